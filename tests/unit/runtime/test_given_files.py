import os
import socket

import pytest

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import LARGEST, check_memory, regular_file


def test_a_regular_file_and_a_link_to_it_give_their_size(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert regular_file(tmp_path / "file", "a picture") == 5
    assert regular_file(tmp_path / "link", "a picture") == 5


def test_what_has_no_end_is_refused_without_opening_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        # The path of a socket is short; the folder of a test needn't be.
        handle = os.open(tmp_path, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{handle}/socket")
        os.close(handle)
    for name, kind in [
        ("pipe", "a named pipe"),
        ("folder", "a folder"),
        ("zero", "a device"),
        ("socket", "a socket"),
    ]:
        with pytest.raises(InputError, match=rf"{name}: found {kind}, expected a mesh\. Give"):
            regular_file(tmp_path / name, "a mesh")


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "No such file"), ("nul\0", "null"), ("x" * 300, "too long")]
)
def test_what_can_t_be_found_is_refused_by_name(tmp_path, name, reason):
    with pytest.raises(InputError, match=rf"{name}: can't be read \(.*{reason}.*Correct"):
        regular_file(tmp_path / name, "a picture")


def test_a_file_larger_than_any_picture_is_refused(tmp_path):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(
        InputError, match="sparse: found 1073741825 bytes, expected a picture of at"
    ):
        regular_file(tmp_path / "sparse", "a picture")


def test_pixels_are_counted_with_their_channels():
    check_memory("picture", 8192, 8192, 16)
    check_memory("picture", 9459, 9459)  # float RGB, although the file has less
    for size in [(8193, 8192, 16), (9460, 9460, 1), (1024, 1024, 1025)]:
        with pytest.raises(InputError, match=rf"picture: found {size[0]} x {size[1]} .*Scale"):
            check_memory("picture", *size)
