"""Tensor files: what was written comes back, equal content has equal bytes, damage is told."""

import pytest
import torch
from safetensors.torch import save_file

from inverse_shading.runtime.artefacts import read_description, read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal


def test_tensors_and_description_come_back(tmp_path):
    path = tmp_path / "t.safetensors"
    tensors = {"b": torch.rand(3, 4).T, "a": torch.tensor(2.0), "c": torch.arange(3)}
    description = {"origin": "somewhere", "shape": [1, 2]}
    write_tensors(path, tensors, description)
    found = read_tensors(path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert read_description(path) == description


def test_equal_content_has_equal_bytes(tmp_path):
    tensors = {"b": torch.rand(5), "a": torch.rand(2, 2)}
    write_tensors(tmp_path / "one", tensors, {"x": 1, "y": 2})
    write_tensors(tmp_path / "two", dict(reversed(tensors.items())), {"y": 2, "x": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 8, b"no safetensors file at all"])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "t.safetensors"
    if content is not None:
        path.write_bytes(content)
        seal(path)
    for read in (read_tensors, read_description):
        with pytest.raises(InputError, match=r"t\.safetensors: can't be"):
            read(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "t.safetensors"
    write_tensors(path, {"a": torch.rand(100)}, {})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match=r"t\.safetensors: can't be read"):
        read_tensors(path)
    with pytest.raises(InputError, match=r"t\.safetensors: its contents don't match"):
        read_description(path)


def test_a_file_without_description_is_refused(tmp_path):
    path = tmp_path / "t.safetensors"
    save_file({"a": torch.rand(2)}, path)
    seal(path)
    with pytest.raises(InputError, match=r"t\.safetensors: can't be read"):
        read_description(path)
