"""From an image to a material, measured on held-out renders: how near, how sure, how many renders.

    python benchmarks/inversion.py --results results --images 100

refines test images of a finished run, with and without the network's guess, and from random guesses. It
wants a quiet machine; `--images` and `--random` make it shorter. Numbers but seconds depend on the
results alone.

    python benchmarks/inversion.py --stage ball.safetensors

refines renders of a calibrated stage that the calibration hasn't seen, and says how often intervals
hold the truth within each kind of material.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np

from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.evaluation.predictions import sampled_test_images
from inverse_shading.inversion.known_images import as_picture, known_pictures
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.material.floor import posterior_means
from inverse_shading.material.kinds import material_kinds
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import PARAMETERS, ROUGHNESS
from inverse_shading.prediction.model_card import read_model_card
from inverse_shading.prediction.stage_card import read_stage_card
from inverse_shading.report.findings import Findings, add_keep

# Of held-out materials; not a data set's or a calibration's.
SEED = 20251


def main() -> int:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--model", default="pixel_components")
    parser.add_argument("--images", type=int, default=100, help="test images to refine")
    parser.add_argument("--random", type=int, default=20, help="random guesses for each of --tried")
    parser.add_argument("--tried", type=int, default=20, help="images to try random guesses on")
    parser.add_argument("--calibrated", type=int, default=1000, help="images for coverage alone")
    parser.add_argument("--stage", type=Path, help="a calibrated stage, in place of results")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, or the number of an EGL device"
    )
    parser.add_argument("--output", type=Path, help="JSON to write, all numbers")
    add_keep(parser)
    arguments = parser.parse_args()
    findings = Findings()
    device = int(arguments.device) if arguments.device.isdigit() else arguments.device
    if arguments.stage:
        report = of_stage(arguments.stage, arguments.calibrated, device)
        tell(report, arguments.output)
        tell_coverage(findings, report)
        findings.write(arguments.keep)
        return 0
    folder = arguments.results / "models" / arguments.model
    card = read_model_card(folder)
    count = max(arguments.images, arguments.calibrated)
    names, true, predicted = sampled_test_images(folder / "predictions.csv", count)
    guesses = guessed_materials(predicted)
    with Refiner(
        arguments.results / "stage.safetensors",
        card.framing.model_dump(),
        card.refinement.model_dump(),
        card.calibration.calibration(),
        device,
        os.cpu_count(),
    ) as refiner:
        print(f"{len(names)} test images, {refiner.driver}, {os.cpu_count()} cores", flush=True)
        arrays = sorted((arguments.results / "images").glob("*.npy"))
        pictures = list(known_pictures(arrays, names, refiner.weights))
        # The first of all compiles shaders.
        refiner.refine(pictures[0], guesses[0])
        report = measure(refiner, pictures[: arguments.images], true, guesses)
        report |= held(refiner, pictures, true, guesses, report.pop("estimates"))
        if arguments.random:
            report |= robust(refiner, pictures[: arguments.tried], arguments.random)
    tell(report, arguments.output)
    tell_errors(findings, report)
    tell_coverage(findings, report)
    findings.write(arguments.keep)
    return 0


def tell(report: dict, output: Path | None) -> None:
    """Print all numbers, and write them where that is asked for."""
    for name, value in report.items():
        print(f"{name:32} {value if isinstance(value, dict) else round(value, 5)}")
    if output:
        output.write_text(json.dumps(report, indent=2) + "\n")


def tell_errors(findings: Findings, report: dict) -> None:
    """What the network alone comes to, and what refinement makes of it."""
    median, most = report["seconds_median"], report["seconds_90_percent"]
    rows = [
        ["RMS of the render in 8 bits, levels of 255, median", "", "rms_of_images_median"],
        ["RMS before rounding, median", "rms_of_guesses_median", "rms_unrounded_median"],
        ["MSE over the ten inputs, best guesses at the numbers", "mse_guess", "mse_expected"],
        ["MSE over the ten inputs, of the material itself", "", "mse_material"],
        ["the floor, exact in all that an image shows", "", "mse_floor"],
    ]
    cells = [[text, *(f"{report[key]:.4f}" if key else "" for key in keys)] for text, *keys in rows]
    cells += [
        ["seconds an image, median (nine in ten below)", "", f"{median:.2f} ({most:.2f})"],
        [
            "renders an image, median, whole images counting 1",
            "",
            f"{report['renders_with_guess_median']:.1f}",
        ],
        [
            "the same without the network's guess",
            "",
            f"{report['renders_without_guess_median']:.1f}",
        ],
        ["share found within the tolerance", "", f"{report['converged']:.3f}"],
    ]
    findings.table("errors", [f"{report['images']} test images", "network alone", "refined"], cells)


def tell_coverage(findings: Findings, report: dict) -> None:
    """How often intervals hold the truth: by input, and by kind of material."""
    shares, widths = report["coverage"], report["width_median"]
    print(f"\nof {report['images_of_coverage']} pictures:")
    rows = [[f"`{name}`", f"{shares[name]:.2f}", f"{widths[name]:.4f}"] for name in PARAMETERS]
    findings.table("coverage", ["input", "hold the truth", "width, median"], rows)
    prefix = "coverage of "
    kinds = {key.removeprefix(prefix): of for key, of in report.items() if key.startswith(prefix)}
    columns = ("materials", "all inputs", "roughness")
    rows = [
        [kind, f"{of['materials']}", *(f"{of[column]:.3f}" for column in columns[1:])]
        for kind, of in kinds.items()
    ]
    whole = (report["images_of_coverage"], report["coverage_all"], shares[PARAMETERS[ROUGHNESS]])
    rows.append(["all", f"{whole[0]}", *(f"{share:.3f}" for share in whole[1:])])
    findings.table("kinds", ["kind", *columns], rows)
    findings.number("explained", f"{report['explained']:.3f}", "share that the material explains")


def of_stage(stage: Path, count: int, device: str | int) -> dict:
    """Coverage on renders of a stage, found from fixed starts."""
    card = read_stage_card(stage)
    settings = card.refinement.model_dump()
    true = sample_parameters(ImageRange(0, count - 1), SEED)
    with Refiner(
        stage, card.framing.model_dump(), settings, card.measured, device, os.cpu_count()
    ) as refiner:
        pictures = [as_picture(refiner.render(values), refiner.weights) for values in true]
        return held(refiner, pictures, true, [None] * count, [])


def measure(refiner, pictures, true, guesses) -> dict:
    """Errors, renders and seconds an image, with the guess and without."""
    estimates, seconds, rounded, without = [], [], [], []
    for index, picture in enumerate(pictures):
        start = time.perf_counter()
        estimate = refiner.refine(picture, guesses[index])
        render = refiner.render(estimate.material)
        seconds.append(time.perf_counter() - start)
        shown = picture.weights > 0
        difference = (render.astype(float) - picture.image)[shown]
        rounded.append(np.sqrt(np.mean(difference**2)))
        estimates.append(estimate)
        without.append(refiner.refine(picture).renders)
        show("refined", index, len(pictures))
    true = true[: len(pictures)]
    expected = np.array([estimate.expected for estimate in estimates])
    material = np.array([estimate.material for estimate in estimates])
    guess = guesses[: len(pictures)]
    return {
        "images": len(pictures),
        "rms_of_images_median": float(np.median(rounded)),
        "rms_unrounded_median": float(np.median([e.rms for e in estimates])),
        "rms_of_guesses_median": float(np.median([e.guess_rms for e in estimates])),
        "seconds_median": float(np.median(seconds)),
        "seconds_90_percent": float(np.quantile(seconds, 0.9)),
        "mse_expected": mse(expected, true),
        "mse_material": mse(material, true),
        "mse_guess": mse(guess, true),
        "mse_floor": mse(posterior_means(true), true),
        "mse_by_parameter": by_parameter(np.square(expected - true).mean(axis=0)),
        "renders_with_guess_median": float(np.median([e.renders for e in estimates])),
        "renders_without_guess_median": float(np.median(without)),
        "starts_mean": float(np.mean([e.starts for e in estimates])),
        "converged": float(np.mean([e.converged for e in estimates])),
        "estimates": estimates,
    }


def held(refiner, pictures, true, guesses, estimates) -> dict:
    """Share of truths that the intervals hold."""
    estimates = list(estimates)
    for index in range(len(estimates), len(pictures)):
        estimates.append(refiner.refine(pictures[index], guesses[index]))
        show("for coverage", index, len(pictures))
    low = np.array([estimate.low for estimate in estimates])
    high = np.array([estimate.high for estimate in estimates])
    inside = (true >= low) & (true <= high)
    return {
        "images_of_coverage": len(estimates),
        "coverage": by_parameter(inside.mean(axis=0)),
        "width_median": by_parameter(np.median(high - low, axis=0)),
        "coverage_all": float(inside.mean()),
        **by_kind(inside, true),
        "explained": float(np.mean([estimate.fit.explained for estimate in estimates])),
    }


def by_kind(inside: np.ndarray, true: np.ndarray) -> dict:
    """Shares held within each kind: of its materials, of all their inputs, of their roughness."""
    return {
        f"coverage of {kind}": {
            "materials": int(members.sum()),
            "all inputs": round(float(inside[members].mean()), 3),
            "roughness": round(float(inside[members, ROUGHNESS].mean()), 3),
        }
        for kind, members in material_kinds(true).items()
        if members.any()
    }


def robust(refiner, pictures, count) -> dict:
    """From random guesses: how often the same image is found, with the fixed starts to fall back on."""
    generator = np.random.default_rng(0)
    same, starts = [], []
    for index, picture in enumerate(pictures):
        guesses = generator.uniform(size=(count, len(PARAMETERS)))
        found = [refiner.solve(picture, guess) for guess in guesses]
        best = min(solution.rms for solution in found)
        # The part of the difference that isn't rounding; a tenth of a level can't be seen.
        same += [np.sqrt(solution.rms**2 - best**2) < 0.1 for solution in found]
        starts += [solution.starts for solution in found]
        show("from random guesses", index, len(pictures))
    return {
        "random_guesses": len(same),
        "random_same_image": float(np.mean(same)),
        "random_from_first_start": float(np.mean(np.array(starts) == 1)),
    }


def mse(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean over images and inputs."""
    return float(np.square(predicted - true).mean())


def by_parameter(values: np.ndarray) -> dict[str, float]:
    """Ten numbers by their names, to four decimals."""
    return {name: round(float(v), 4) for name, v in zip(PARAMETERS, values, strict=True)}


def show(what: str, index: int, total: int) -> None:
    """Progress in one line."""
    print(f"\r{what}: {index + 1} of {total}  ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
