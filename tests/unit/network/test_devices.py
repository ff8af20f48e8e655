"""The choice of a device, and batches that are halved when memory runs out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from inverse_shading.network.devices import choose_device, describe_device, in_batches, set_up
from inverse_shading.runtime.errors import InputError


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    "name, message",
    [
        ("cuda", r"device: found cuda.*Set device to auto or cpu"),
        ("tpu", r"device: found 'tpu'"),
    ],
)
def test_devices_that_are_not_there_are_refused(monkeypatch, name, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=message):
        choose_device(name)


@pytest.mark.parametrize("threads, words", [(1, "cpu (1 thread)"), (2, "cpu (2 threads)")])
def test_the_device_in_words(threads, words):
    assert describe_device(torch.device("cpu"), threads) == words


def test_set_up_makes_pytorch_deterministic():
    before = torch.get_num_threads()
    try:
        assert set_up("cpu", 1).type == "cpu"
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        # A convolution on a card takes TF32 by itself.
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        assert torch.backends.cuda.matmul.fp32_precision == "ieee"
    finally:
        torch.set_num_threads(before)


def test_the_memory_of_freed_tensors_is_used_again():
    # What the C library is told holds for the whole process.
    script = """
import resource
import torch
from inverse_shading.network.devices import reuse_freed_memory
size = 64 * 1024 * 1024
reuse_freed_memory(torch.device("cpu"))
# What is left of the first few blocks lies between them until there is enough of it.
for _ in range(9):
    torch.ones(size, dtype=torch.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(size, dtype=torch.uint8)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults * resource.getpagesize() / size)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "workflow")},
    )
    assert float(done.stdout or 1) < 0.1, done.stderr


def test_batches_are_halved_when_memory_runs_out():
    asked = []

    def compute(first, last):
        asked.append((first, last))
        if last - first > 3:
            raise torch.OutOfMemoryError
        return list(range(first, last))

    rows = [row for batch in in_batches(10, 8, compute) for row in batch]
    assert rows == list(range(10))
    assert asked == [(0, 8), (0, 4), (0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]


def test_a_single_row_that_does_not_fit_is_an_error():
    def compute(first, last):
        raise torch.OutOfMemoryError

    with pytest.raises(InputError, match=r"doesn't hold a batch of one image"):
        list(in_batches(4, 4, compute))
