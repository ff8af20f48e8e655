"""Where a job computes: on which device, with how many threads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """Where a job computes.

    Attributes:
        device: for networks auto, cpu or cuda; for rendering auto, cpu or the number of an EGL device.
        threads: of the CPU, at least 1. They decide how networks round their sums, and no rendered
            pixel.
    """

    device: str | int
    threads: int


def describe_processor(threads: int) -> str:
    """The CPU as a device, in words, such as "cpu (2 threads)"."""
    return f"cpu ({threads} threads)" if threads > 1 else "cpu (1 thread)"
