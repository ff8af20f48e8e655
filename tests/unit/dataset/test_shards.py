import io
import json
import tarfile

import numpy as np
import pytest

from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.shards import encode_png, read_shard, write_shard
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal

IMAGES = ImageRange(20, 23)


def samples():
    generator = np.random.default_rng(0)
    for identifier in IMAGES.identifiers:
        frame = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        yield identifier, generator.uniform(size=10).round(6), frame


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "000020-000023.tar"
    write_shard(path, samples())
    return path


def read(path, size=32):
    return list(read_shard(path, IMAGES, size))


def test_written_and_read_again_without_loss(shard):
    for (name, values, frame), (name_, values_, frame_) in zip(samples(), read(shard), strict=True):
        assert name == name_ and (values == values_).all() and (frame == frame_).all()


def test_a_webdataset_shard(shard):
    """Members of a sample stand next to each other under one key; nothing else is inside."""
    with tarfile.open(shard) as archive:
        names = archive.getnames()
        inputs = json.load(archive.extractfile("000000020.json"))
    assert names == [f"{i}.{suffix}" for i in IMAGES.identifiers for suffix in ("png", "json")]
    assert list(inputs) == list(PARAMETERS)


def test_the_same_samples_give_the_same_bytes(shard, tmp_path):
    again = tmp_path / "again.tar"
    write_shard(again, samples())
    assert again.read_bytes() == shard.read_bytes()


def test_a_failure_on_the_way_leaves_nothing(tmp_path):
    def failing():
        yield next(samples())
        raise RuntimeError("driver lost")

    with pytest.raises(RuntimeError):
        write_shard(tmp_path / "x.tar", failing())
    assert list(tmp_path.iterdir()) == []


def write_members(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    seal(path)


def test_a_foreign_tar_is_refused(shard):
    write_members(shard, [("notes.txt", b"hello")])
    with pytest.raises(InputError, match=r"found notes\.txt where 000000020\.png"):
        read(shard)
    shard.write_bytes(b"not a tar" + bytes(10231))
    seal(shard)
    with pytest.raises(InputError, match="can't be read as a whole shard of 000020-000023"):
        read(shard)


def test_an_image_of_another_size_is_refused(shard):
    with pytest.raises(InputError, match="32x32 RGB, expected 64x64"):
        read(shard, size=64)


def test_other_inputs_and_extra_files_are_refused(shard):
    png = encode_png(np.zeros((32, 32, 3), np.uint8))
    good = json.dumps(dict.fromkeys(PARAMETERS, 0.5)).encode()
    members = [
        (f"{i}.{s}", c) for i in IMAGES.identifiers for s, c in (("png", png), ("json", good))
    ]
    write_members(shard, members)
    assert len(read(shard)) == 4
    write_members(shard, [*members, ("extra.json", good)])
    with pytest.raises(InputError, match=r"after the last image.*extra\.json"):
        read(shard)
    members[1] = (members[1][0], b'{"base": 1}')
    write_members(shard, members)
    with pytest.raises(InputError, match=r"000000020\.json holds"):
        read(shard)
