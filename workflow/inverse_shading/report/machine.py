"""The machine that something was measured on, and the versions of what shapes results."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

from inverse_shading.runtime.provenance import LIBRARIES


def describe_machine() -> dict:
    """Processor, cores (that this process may use), memory_gib, and versions by library."""
    processor = platform.processor() or platform.machine()
    with_model = Path("/proc/cpuinfo")
    if with_model.exists():
        match = re.search(r"^model name\s*: (.+)$", with_model.read_text(), re.MULTILINE)
        processor = match[1].strip() if match else processor
    versions = {"python": platform.python_version()}
    for library in sorted(LIBRARIES.values()):
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            versions[library] = "not installed"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "versions": versions,
    }
