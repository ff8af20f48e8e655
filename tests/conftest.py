"""What holds for all tests of one pytest process."""

import importlib.util

# Mesa's llvmpipe and Triton bring an LLVM each. torch imports Triton late, for instance in
# use_deterministic_algorithms; if an OpenGL context has loaded Mesa's LLVM by then, the process dies
# of a segmentation fault. The other order is harmless. Steps of the workflow either render or train.
# What does both, `prediction.session`, sets its network up first.
if importlib.util.find_spec("triton") is not None:
    import triton  # noqa: F401
