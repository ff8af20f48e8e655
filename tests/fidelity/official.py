"""Asking the official renderer, under Xvfb, for frames of materials on a stage of ours."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.scene.built_in_lights import find_light
from inverse_shading.scene.camera import place_camera
from inverse_shading.scene.environment import irradiance_map
from inverse_shading.scene.mesh import Mesh, load_mesh

ROOT = Path(__file__).parents[2]

# The official renderer asks for 16x anisotropy on every texture, which bends llvmpipe's explicit
# levels of detail: its own picture is then wrong, and slow. Without the extensions it can't ask.
NO_ANISOTROPY = "-GL_EXT_texture_filter_anisotropic -GL_ARB_texture_filter_anisotropic"


@dataclass
class Reference:
    """What the official renderer made: `frames` of values, and `file_frames` of files."""

    frames: np.ndarray
    seconds: np.ndarray
    file_frames: np.ndarray


def render_officially(
    folder: Path,
    mesh: Path,
    stage: dict,
    frame_size: int,
    environment_samples: int,
    values: np.ndarray,
    anisotropy: bool = False,
    files: Sequence[Path] = (),
) -> Reference:
    """Render materials with MaterialX's GlslRenderer in a process under an X server of its own.

    Args:
        folder: for the files that pass between the processes.
        mesh: a glTF file, the same geometry as the stage's.
        stage: the `stage` section of the config (environment and camera are used).
        values: float64 (n, 10).
        anisotropy: leave it on, as it is by default.
        files: .mtlx files to render after them.
    """
    if shutil.which("xvfb-run") is None and shutil.which("Xvfb") is None:
        raise RuntimeError("Xvfb is missing. As root: apt-get install -y xvfb")
    radiance = find_light(stage["environment"])
    geometry: Mesh = load_mesh(mesh)
    camera = place_camera(*geometry.bounding_sphere(), **stage["camera"])
    request, answer = folder / "request.npz", folder / "answer.npz"
    np.savez(
        request,
        mesh=str(mesh),
        radiance=radiance,
        irradiance=irradiance_map(radiance),
        view=camera.view,
        projection=camera.projection,
        frame_size=frame_size,
        environment_samples=environment_samples,
        values=values,
        files=np.array([str(path) for path in files], dtype=str),
    )
    variables = os.environ | {
        "PYTHONPATH": str(ROOT / "workflow"),
        "LIBGL_ALWAYS_SOFTWARE": "1",
        # GLX would otherwise ask a card's driver, which Xvfb can't serve.
        "__GLX_VENDOR_LIBRARY_NAME": "mesa",
    }
    if not anisotropy:
        variables["MESA_EXTENSION_OVERRIDE"] = NO_ANISOTROPY
    with x_server(folder) as display:
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("reference.py"), request, answer],
            env=variables | {"DISPLAY": display},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"The official renderer failed:\n{done.stdout}{done.stderr}")
    with np.load(answer) as content:
        return Reference(content["frames"], content["seconds"], content["file_frames"])


class x_server:  # noqa: N801 - used like a function
    """An X server without a screen, on a display that it chooses itself."""

    def __init__(self, folder: Path):
        self.log = (folder / "xvfb.log").open("w")

    def __enter__(self) -> str:
        read, write = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "64x64x24", "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=self.log,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start; see {self.log.name}")
        return f":{number}"

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
