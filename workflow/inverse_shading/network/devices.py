"""Devices that networks run on, and how to get the same bits on them twice."""

import ctypes
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.resources import describe_processor

Result = TypeVar("Result")
# Of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def choose_device(name: str) -> torch.device:
    """Turn auto, cpu or cuda into a device.

    Raises:
        InputError: cuda is asked for and there is none, or the name is another.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "device: found cuda, but PyTorch sees no GPU here "
            f"(built for CUDA {torch.version.cuda}). Set device to auto or cpu, or look at "
            "nvidia-smi and the driver."
        )
    if name not in ("cpu", "cuda"):
        raise InputError(f"device: found {name!r}, expected auto, cpu or cuda.")
    return torch.device(name)


def set_up(name: str, threads: int, lenient: bool = False) -> torch.device:
    """Choose the device; make PyTorch deterministic on it, in whole float32, on so many threads.

    How a sum is cut among threads decides its rounding, so their number is part of the result.

    Args:
        name: auto, cpu or cuda.
        threads: of the CPU.
        lenient: warn, and not fail, where the device has no deterministic form of an operation: on a
            GPU the gradient of a max-pool has none.
    """
    # cuBLAS is only deterministic with a fixed workspace, which it reads when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # As `use_deterministic_algorithms` does it. That one imports PyTorch's compiler as well: two
    # seconds a job, for nothing that is used here.
    torch.set_deterministic_debug_mode("warn" if lenient else "error")
    # Filling fresh memory with NaN is a debugging aid of that mode; it only costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False
    # cuDNN's convolutions would otherwise take ten of float32's 23 bits (TF32) where the card can, and
    # features would depend on the machine.
    torch.backends.fp32_precision = "ieee"
    return choose_device(name)


def reuse_freed_memory(device: torch.device) -> None:
    """Keep the memory of a CPU's freed tensors for the next ones, where the C library is glibc.

    Otherwise glibc takes each large block from the kernel and gives it back. The kernel fills each with
    zeros, page by page, which is a fifth of the processor time of VGG16's largest maps. The process's
    memory never shrinks from then on.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if device.type == "cpu" and mallopt:
        mallopt(M_MMAP_MAX, 0)
        # Never.
        mallopt(M_TRIM_THRESHOLD, -1)


def place_rows(rows: np.ndarray | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Inputs on the device; they travel as they are stored.

    Features become float32; images stay uint8, which a network with a trunk takes.
    """
    placed = torch.as_tensor(rows).to(device)
    return placed.float() if placed.is_floating_point() else placed


def describe_device(device: torch.device, threads: int) -> str:
    """The device in words, such as "cpu (2 threads)" or the GPU's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return describe_processor(threads)


def in_batches(
    count: int, batch_size: int, compute: Callable[[int, int], Result]
) -> Iterator[Result]:
    """Compute `count` rows in order, a batch at a time, halving the batch when memory runs out.

    Args:
        count: number of rows.
        batch_size: rows a batch to begin with.
        compute: called with the first row of a batch and the one after its last.

    Yields:
        What `compute` returned for each batch.

    Raises:
        InputError: one row alone doesn't fit into the GPU's memory.
    """
    first = 0
    while first < count:
        last = min(first + batch_size, count)
        try:
            result = compute(first, last)
        except torch.OutOfMemoryError:
            batch_size = halve_batch(batch_size)
            continue
        yield result
        first = last


def halve_batch(batch_size: int, least: int = 1) -> int:
    """Half the batch size after the GPU ran out of memory, saying so in the log.

    Args:
        batch_size: of the batch that didn't fit.
        least: the smallest batch that is allowed.

    Raises:
        InputError: the batch was the smallest one.
    """
    if batch_size <= least:
        images = "one image" if least == 1 else f"{least} images"
        raise InputError(
            f"The GPU's memory doesn't hold a batch of {images}. Free memory on it (see "
            "nvidia-smi), or set device to cpu."
        )
    smaller = max(batch_size // 2, least)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    logger.warning(
        "the GPU's memory is short: going on with batches of %d instead of %d",
        smaller,
        batch_size,
    )
    return smaller
