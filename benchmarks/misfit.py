"""Verdicts on pictures that a stage made, and on pictures made another way: how many are noticed.

    python benchmarks/misfit.py --stage ball.safetensors --materials 100

renders materials that calibration hasn't seen, in files of several kinds, in another light, exposure
and shading model, compressed and blurred, and refines each picture. The stage is one of
`inverse-shading stage … --calibrate 200`.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np
import OpenEXR
from PIL import Image
from scipy import ndimage
from scipy.stats import binomtest

from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.inversion.misfit import EXPLAINED
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.pictures.placement import frame_picture
from inverse_shading.prediction.stage_card import read_stage_card
from inverse_shading.render.unrounded import UnroundedRenderer
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.scene.environment import irradiance_map
from inverse_shading.scene.srgb import srgb_decode, srgb_encode
from inverse_shading.scene.stage_file import Stage, read_stage, save_stage

# Another seed than any data set's or calibration's.
SEED = 20250

# Levels of 255 left from which a misfit is to be noticed, where its own file would leave half at most.
VISIBLE = 0.6

# Pictures of the stage itself: by kind, how a frame (levels of 255, unrounded) becomes a file.
OWN = ("png", "framed png", "cut-out png", "jpeg 95", "jpeg 75", "jpeg 50", "exr", "exr float")

# Gains of red, green and blue.
EXPOSURES = {
    "exposure +20 %": (1.2, 1.2, 1.2),
    "exposure -20 %": (0.8, 0.8, 0.8),
    "white balance +10 %": (1.1, 1.0, 0.9),
    "white balance -10 %": (0.9, 1.0, 1.1),
}

# Constants of the shader that the ten inputs leave at 0.
MODELS = {"sheen on": "sheen", "coat on": "coat", "subsurface on": "subsurface"}
STRENGTH = 0.5

# The reason that is right; of another light and another model none is told apart from the other.
RIGHT = {kind: {"exposure"} for kind in EXPOSURES} | {
    kind: {"compression"} for kind in ("jpeg 95 as png", "jpeg 75 as png", "jpeg 50 as png", "blur")
}
OTHERWISE = {"light", "renderer"}

HEADERS = (
    "pictures",
    "number",
    "left, median (own file would leave)",
    "noticed (95 %)",
    f"off by {VISIBLE} or more",
    "noticed of these",
    "reason named",
    "error, unnoticed",
    "intervals hold, noticed",
    "intervals hold, unnoticed",
)


def main() -> int:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", type=Path, required=True, help="a calibrated stage")
    parser.add_argument("--materials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED, help="of the materials")
    parser.add_argument("--kinds", nargs="*", help="of picture, all by default")
    parser.add_argument(
        "--other-light", type=Path, help="a stage of the same object in another light"
    )
    parser.add_argument("--fit-exposure", action="store_true", help="as predict does with it")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, help="JSON to write, all pictures")
    add_keep(parser)
    given = parser.parse_args()
    findings = Findings()
    card = read_stage_card(given.stage)
    framing, settings = card.framing.model_dump(), card.refinement.model_dump()
    stage = read_stage(given.stage)
    materials = sample_parameters(ImageRange(0, given.materials - 1), given.seed)
    records = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Refiner(given.stage, framing, settings, card.measured, threads=given.threads) as refiner,
    ):
        for kind, number, path in made(given, stage, framing, settings, materials, Path(folder)):
            picture = frame_picture(path, stage, framing, any_silhouette=True)
            estimate = refiner.refine(picture, fit_exposure=given.fit_exposure)
            fit, true = estimate.fit, materials[number]
            records.append(
                {
                    "kind": kind,
                    "material": number,
                    "verdict": fit.verdict,
                    "p_value": fit.p_value,
                    "left": fit.left,
                    "expected": fit.expected,
                    "reasons": fit.reasons,
                    "gains": None if estimate.gains is None else estimate.gains.tolist(),
                    "converged": estimate.converged,
                    "error": np.abs(estimate.expected - true).tolist(),
                    "held": ((estimate.low <= true) & (true <= estimate.high)).tolist(),
                    "low": estimate.low.tolist(),
                    "high": estimate.high.tolist(),
                    "true": true.tolist(),
                }
            )
            print(f"\r{len(records)} pictures  ", end="", file=sys.stderr, flush=True)
            if given.output:
                given.output.write_text(json.dumps(records) + "\n")
    findings.table("pictures", HEADERS, rows(records))
    findings.write(given.keep)
    return 0


def made(given, stage, framing, settings, materials, folder) -> Iterator[tuple[str, int, Path]]:
    """Files of all kinds: kind, number of the material, path. One at a time."""
    wanted = given.kinds

    def chosen(kind: str) -> bool:
        return not wanted or kind in wanted

    for kinds, varied, frames in variations(stage, given.other_light):
        kinds = [kind for kind in kinds if chosen(kind)]
        if not kinds:
            continue
        path = folder / "varied.safetensors"
        save_stage(path, varied)
        renderer = UnroundedRenderer(path, framing, settings["stride"], threads=given.threads)
        with closing(renderer):
            for number, values in enumerate(materials):
                for kind in kinds:
                    yield kind, number, frames(kind, values, renderer, varied, folder)


def variations(
    stage: Stage, other_light: Path | None
) -> Iterator[tuple[list[str], Stage, Callable]]:
    """Kinds of picture, the stage that renders them, and what writes one."""
    compressed = [f"jpeg {quality} as png" for quality in (95, 75, 50)]
    yield [*OWN, *EXPOSURES, *compressed, "blur"], stage, write

    def lit(radiance: np.ndarray) -> Stage:
        radiance = radiance.astype(np.float32)
        return replace(stage, radiance=radiance, irradiance=irradiance_map(radiance))

    plain = lambda kind, *rest: write("png", *rest)  # noqa: E731
    yield ["tinted light"], lit(stage.radiance * (1.15, 1.0, 0.85)), plain
    turned = np.roll(stage.radiance, round(stage.radiance.shape[1] * 10 / 360), axis=1)
    yield ["light turned by 10°"], lit(turned), plain
    if other_light is not None:
        yield ["other light"], lit(read_stage(other_light).radiance), plain
    for kind, name in MODELS.items():
        constant = rf"(const float surface_shader_{name} = )0\.0+;"
        text = re.sub(constant, rf"\g<1>{STRENGTH};", stage.pixel_stage)
        assert text != stage.pixel_stage, name
        yield [kind], replace(stage, pixel_stage=text), plain


def write(
    kind: str, values: np.ndarray, renderer: UnroundedRenderer, stage: Stage, folder: Path
) -> Path:
    """A picture of a material in a file of this kind."""
    gains = np.array(EXPOSURES.get(kind, (1, 1, 1)), np.float32)
    frame = renderer.frame(np.append(values, gains))
    if kind in EXPOSURES:
        light = np.clip(srgb_decode(frame[~stage.mask] / 255) * gains, 0, 1)
        frame[~stage.mask] = 255 * srgb_encode(light)
    if kind == "blur":
        frame = ndimage.gaussian_filter(frame, (1, 1, 0))
    path = folder / ("picture.exr" if kind.startswith("exr") else "picture.png")
    # The driver rounds a little differently, and pictures of the stage are its.
    plain = kind not in EXPOSURES and kind != "blur"
    image = Image.fromarray(
        renderer.rounded_frame(values) if plain else np.rint(frame).astype(np.uint8)
    )
    if kind.startswith("exr"):
        linear = srgb_decode(frame / 255).astype(np.float16 if kind == "exr" else np.float32)
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"RGB": linear}).write(str(path))
    elif kind == "framed png":
        Image.fromarray(renderer._framing.image(np.asarray(image))).save(path)
    elif kind == "cut-out png":
        alpha = Image.fromarray((255 * stage.mask).astype(np.uint8))
        image.putalpha(alpha)
        image.save(path)
    elif kind.startswith("jpeg"):
        path = folder / "picture.jpg"
        image.save(path, quality=int(kind.split()[1]))
        if kind.endswith("as png"):
            with Image.open(path) as read:
                path = folder / "picture.png"
                read.save(path)
    else:
        image.save(path)
    return path


def rows(records: list[dict]) -> list[list[str]]:
    """By kind: how many are noticed, how far what isn't noticed misleads, how often intervals hold."""
    found = []
    for kind in dict.fromkeys(record["kind"] for record in records):
        ours = [record for record in records if record["kind"] == kind]
        noticed = np.array([record["verdict"] != EXPLAINED for record in ours])
        bounds = binomtest(int(noticed.sum()), len(ours)).proportion_ci(0.95, "wilson")
        held = np.array([r["held"] for r in ours])
        off = np.array([r["left"] >= VISIBLE >= 2 * r["expected"] for r in ours])
        right = RIGHT.get(kind, OTHERWISE)
        named = [bool(right & set(r["reasons"])) for r, n in zip(ours, noticed, strict=True) if n]
        errors = [np.mean(r["error"]) for r, n in zip(ours, noticed, strict=True) if not n]
        found.append(
            [
                kind,
                f"{len(ours)}",
                f"{np.median([r['left'] for r in ours]):.2f} "
                f"({np.median([r['expected'] for r in ours]):.2f})",
                f"{noticed.mean():.0%} ({bounds.low:.1%} to {bounds.high:.1%})",
                f"{off.sum()}",
                share(noticed[off]),
                "–" if kind in OWN else share(named),
                f"{np.mean(errors):.3f}" if errors else "–",
                share(held[noticed]),
                share(held[~noticed]),
            ]
        )
    return found


def share(found) -> str:
    """Of booleans, in per cent."""
    return f"{np.mean(found):.0%}" if len(found) else "–"


if __name__ == "__main__":
    sys.exit(main())
