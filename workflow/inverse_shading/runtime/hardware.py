"""What the machine has, asked of the system: importing a framework to ask would cost seconds."""

from pathlib import Path

# Device nodes that NVIDIA's and AMD's drivers make, and Windows' for Linux inside it.
GPU_NODES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def has_gpu() -> bool:
    """Whether a driver for computing on a GPU is loaded."""
    return any(Path(node).exists() for node in GPU_NODES)
