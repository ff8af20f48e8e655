"""How fast we render, against MaterialX's own GlslRenderer: python benchmarks/render.py.

Four renderers draw the same random materials on the same stage, in turn, one process after the
other on an otherwise idle machine: the official one as it comes (16x anisotropy on every texture),
the official one with anisotropy off (which its pixels need on llvmpipe), ours without the samples that
its two reflections share, and ours. Printed are images a second of each, without start-up, and the
ratios; and the largest differences of both from ours, so that speed is never bought with another
picture.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

from scipy.ndimage import binary_erosion

from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.render.frames import Renderer
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.scene import shader
from inverse_shading.scene.make_stage import write_stage
from inverse_shading.scene.shader_ball import shader_ball
from tests.fidelity.official import render_officially
from tests.support.meshes import write_glb

# Pixels at the silhouette's edge that two rasterisers may disagree on, as in the fidelity test.
EROSION = 3

OFFICIAL = "MaterialX's `GlslRenderer`"
UNSHARED = "ours, samples not shared"


def render_ours(
    stage: Path, values: np.ndarray, device: str, threads: int
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Driver, silhouette, frames and seconds of each material."""
    frames, seconds = [], []
    with Renderer(stage, device, threads) as renderer:
        for value in values:
            start = time.perf_counter()
            frames.append(renderer.render(value))
            seconds.append(time.perf_counter() - start)
        return renderer.driver, renderer.mask, np.array(frames), np.array(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", type=int, default=448, help="side of the frame in pixels")
    parser.add_argument("--materials", type=int, default=10, help="materials a renderer and round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are printed")
    parser.add_argument("--device", default="cpu", help="where ours renders: auto, cpu or a number")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of ours, on the cpu")
    parser.add_argument("--no-anisotropy-only", action="store_true", help="leave the slowest out")
    add_keep(parser)
    arguments = parser.parse_args()
    findings = Findings()
    device = int(arguments.device) if arguments.device.isdigit() else arguments.device

    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    samples = config["render"]["environment_samples"]
    # The first material pays for compiling and uploading and is not counted.
    values = sample_parameters(ImageRange(0, arguments.materials), seed=config["seed"])
    seconds = {kind: [] for kind in (OFFICIAL, f"{OFFICIAL}, anisotropy off", UNSHARED, "ours")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        glb, stage = folder / "ball.glb", folder / "stage.safetensors"
        write_glb(glb, shader_ball())
        write_stage(stage, config["stage"], arguments.size, samples, device)
        unshared, shader.MOST_SHARED = folder / "unshared.safetensors", 0
        write_stage(unshared, config["stage"], arguments.size, samples, device)
        frames = {}
        for number in range(arguments.rounds):
            for kind in seconds:
                if kind == OFFICIAL and arguments.no_anisotropy_only:
                    continue
                if kind in (UNSHARED, "ours"):
                    driver, mask, frames[kind], times = render_ours(
                        stage if kind == "ours" else unshared, values, device, arguments.threads
                    )
                else:
                    reference = render_officially(
                        folder, glb, config["stage"], arguments.size, samples, values,
                        anisotropy=kind == OFFICIAL,
                    )  # fmt: skip
                    times = reference.seconds
                seconds[kind].append(np.mean(times[1:]))
                print(
                    f"round {number + 1}: {kind}: {1 / seconds[kind][-1]:.2f} images/s", flush=True
                )
    print(f"\n{arguments.size} px, {samples} environment samples, {arguments.materials} materials")
    print(f"ours on {driver}, {arguments.threads} threads")
    ours = np.median(seconds["ours"])
    medians = {kind: np.median(times) for kind, times in seconds.items() if times}
    rows = [
        [kind, f"{1 / median:.2f}", "" if kind == "ours" else f"{median / ours:.1f} ×"]
        for kind, median in medians.items()
    ]
    findings.table("speed", ["renderer", "images a second", "ours is"], rows)
    inside = binary_erosion(mask, iterations=EROSION)
    own = frames["ours"].astype(int)
    difference = np.abs(own - reference.frames)[:, inside].max()
    unshared = np.abs(own - frames[UNSHARED]).max()
    findings.number(
        "difference", f"{difference}/255", "largest difference inside the silhouette, official"
    )
    findings.number("unshared", f"{unshared}/255", "largest anywhere, samples not shared")
    findings.write(arguments.keep)


if __name__ == "__main__":
    main()
