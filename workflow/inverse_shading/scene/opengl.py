"""Headless OpenGL: an EGL context on a graphics card or on Mesa's software rasteriser, without X."""

import ctypes
import os
from dataclasses import dataclass

import moderngl

from inverse_shading.runtime.errors import InputError

# The generated shaders are GLSL 4.00.
OPENGL_VERSION = 400

# Enumerants of EGL_EXT_device_query (egl.h and eglext.h of the Khronos registry).
EGL_EXTENSIONS = 0x3055
SOFTWARE_DEVICE = "EGL_MESA_device_software"

REMEDY = (
    "Install EGL and a driver, on Debian or Ubuntu by: apt-get install -y libegl1 libgl1-mesa-dri"
)


@dataclass(frozen=True)
class EglDevice:
    """One entry of EGL's list of devices; `index` is what a context is asked for by."""

    index: int
    software: bool


def egl_devices() -> list[EglDevice]:
    """List the EGL devices in the driver's order; empty if EGL can't enumerate them.

    Raises:
        InputError: there is no libEGL.
    """
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError as error:
        raise InputError(f"Rendering needs the library libEGL.so.1 ({error}). {REMEDY}") from error
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    query_devices = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    query_string = egl.eglGetProcAddress(b"eglQueryDeviceStringEXT")
    if not query_devices or not query_string:
        return []
    query_devices = ctypes.CFUNCTYPE(
        ctypes.c_uint, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int)
    )(query_devices)
    query_string = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int)(query_string)
    # The list is short on every machine; the schema caps an index at 63.
    handles = (ctypes.c_void_p * 64)()
    count = ctypes.c_int()
    if not query_devices(len(handles), handles, ctypes.byref(count)):
        return []
    return [
        EglDevice(
            index,
            SOFTWARE_DEVICE in (query_string(handles[index], EGL_EXTENSIONS) or b"").decode(),
        )
        for index in range(count.value)
    ]


def create_context(device: str | int = "auto", threads: int | None = None) -> moderngl.Context:
    """Make an OpenGL 4.0 context that needs no window and no X server.

    Args:
        device: "auto" takes the first graphics card that gives a context, else Mesa's llvmpipe;
            "cpu" takes llvmpipe; a number takes that EGL device and no other.
        threads: rasteriser threads of llvmpipe, from 1; None leaves them to Mesa (one a core).
            Mesa reads it once, when a process makes its first context. No pixel depends on it.

    Raises:
        InputError: no libEGL, no such device, or no driver that speaks OpenGL 4.0.
    """
    if threads is not None:
        os.environ["LP_NUM_THREADS"] = str(threads)
    devices = egl_devices()
    if device == "cpu":
        # Without this, Mesa may hand out a card behind a device that also has a software mode.
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        candidates = [entry.index for entry in devices if entry.software] or [0]
    elif device == "auto":
        candidates = [entry.index for entry in sorted(devices, key=lambda entry: entry.software)]
        candidates = candidates or [0]
    else:
        if devices and device >= len(devices):
            raise InputError(
                f"render.device: found {device}, expected auto, cpu or a number below "
                f"{len(devices)}: EGL lists {len(devices)} device(s) on this machine."
            )
        candidates = [device]
    failures = []
    for index in candidates:
        try:
            return moderngl.create_context(
                require=OPENGL_VERSION,
                standalone=True,
                backend="egl",
                device_index=index,
                # EGL itself finds OpenGL's functions; libGL would bring GLX and with it X11.
                libgl="libEGL.so.1",
                libegl="libEGL.so.1",
            )
        # The backend raises plain Exception for every cause: no driver, an old one, no permission.
        except Exception as error:
            failures.append(f"EGL device {index}: {error}")
    raise InputError(
        f"render.device: found no OpenGL {OPENGL_VERSION / 100:.1f} driver for {device!r} "
        f"({'; '.join(failures)}). {REMEDY}"
    )


def describe(context: moderngl.Context) -> str:
    """Name the driver: GL_RENDERER and GL_VERSION, in one line."""
    return f"{context.info['GL_RENDERER']}, OpenGL {context.info['GL_VERSION']}"
