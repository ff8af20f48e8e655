"""What the machine has, asked of the system: importing a framework to ask would cost seconds."""

from pathlib import Path

# Device nodes that NVIDIA's and AMD's drivers make.
GPU_NODES = ("/dev/nvidiactl", "/dev/kfd")


def has_gpu() -> bool:
    """Whether a driver for computing on a GPU is loaded."""
    return any(Path(node).exists() for node in GPU_NODES)
