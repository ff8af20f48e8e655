"""Triton before OpenGL, for processes that have a network and a renderer."""

import importlib.util


def load_triton() -> None:
    """Import Triton where it is installed; called before the first OpenGL context.

    PyTorch's Triton and Mesa's llvmpipe bring an LLVM each. If an OpenGL context has loaded Mesa's
    first, a late import of Triton ends the process by a segmentation fault. The other order is
    harmless.
    """
    if importlib.util.find_spec("triton") is not None:
        importlib.import_module("triton")
