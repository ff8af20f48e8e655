"""What was measured, as tables."""

from dataclasses import dataclass
from pathlib import Path

from inverse_shading.dataset.labels import read_labels
from inverse_shading.report.findings import Findings

from .data import Files, Workload
from .fine_tuning import FineTuning
from .head import Epoch, Training, epoch_images
from .trunk import PLAIN_BATCH_SIZE, TrunkSpeed


@dataclass(frozen=True)
class HeadSpeed:
    """One model's measurements.

    Attributes:
        trunk: its name.
        max_epochs: of the model in the config.
        plain: an epoch of the sample with the trunk in the loop.
        plain_seconds: of that epoch, for each of its images.
        kept, float32_kept: the same epoch on kept features, and on such computed in float32.
        training: on the kept features of the larger data set.
    """

    trunk: str
    max_epochs: int
    plain: Epoch
    plain_seconds: float
    kept: Epoch
    float32_kept: Epoch
    training: Training


def tell_trunks(
    findings: Findings,
    speeds: dict[str, TrunkSpeed],
    side: int,
    count: int,
    batch_size: int,
    rounds: int,
) -> None:
    """Images a second both ways, and how far their features are apart."""
    print(
        f"\nImages a second through a frozen trunk at {side} px, {count} images a round, medians of "
        f"{rounds}: a plain script's way (float32, eager, batches of {PLAIN_BATCH_SIZE}) and the "
        f"workflow's (channels last, batches of {batch_size})."
    )
    rows = []
    for trunk, speed in speeds.items():
        rows.append([trunk, "plain, float32", f"{speed.plain:.2f}", "", "", ""])
        for precision, rate in speed.own.items():
            chosen = " (chosen)" if precision == speed.precision else ""
            rows.append(
                [
                    trunk,
                    f"ours, {precision}{chosen}",
                    f"{rate:.2f}",
                    f"{rate / speed.plain:.2f} ×",
                    f"{speed.error[precision]:.5f}",
                    f"{speed.difference[precision]:.5f}",
                ]
            )
    header = "trunk, way, images/s, ours is, distance of features, largest difference"
    findings.table("trunks", header.split(", "), rows, texts=2)


def tell_heads(
    findings: Findings, heads: dict[str, HeadSpeed], work: Workload, epochs: int
) -> None:
    """Milliseconds an image of an epoch both ways, and its losses."""
    sample, kept = (_epoch_images(files) for files in (work.sample, work.kept))
    print(
        "\nMilliseconds for one image of an epoch: with the trunk in the loop, from one full epoch "
        f"of {sample:,} images for every head; on kept features, from {epochs} epochs of {kept:,} "
        f"images. Losses of an epoch of the same {sample:,} images both ways, and the larger "
        "relative difference of the two losses."
    )
    rows = [
        [
            f"`{name}`",
            f"{1000 * it.plain_seconds:.1f}",
            f"{1000 * it.training.seconds:.3f}",
            f"{it.plain_seconds / it.training.seconds:.0f} ×",
            f"{it.plain.train_loss:.5f} / {it.kept.train_loss:.5f}",
            f"{it.plain.validation_loss:.5f} / {it.kept.validation_loss:.5f}",
            f"{it.kept.difference(it.plain):.3%}",
            f"{it.float32_kept.difference(it.plain):.4%}",
        ]
        for name, it in heads.items()
    ]
    header = "model, trunk in the loop, kept features, ours is, training loss, validation loss"
    headers = [*header.split(", "), "difference", "of float32 features"]
    findings.table("heads", headers, rows)


def tell_whole(
    findings: Findings,
    speeds: dict[str, TrunkSpeed],
    heads: dict[str, HeadSpeed],
    work: Workload,
) -> None:
    """What it comes to over all epochs, the features' one computation counted."""
    an_epoch, n_images = _epoch_images(work.kept), _images(work.kept)
    features = sum(n_images / speed.own[speed.precision] for speed in speeds.values())
    plain = sum(it.max_epochs * an_epoch * it.plain_seconds for it in heads.values())
    ours = sum(
        it.training.before + it.max_epochs * an_epoch * it.training.seconds for it in heads.values()
    )
    names = ", ".join(f"`{name}`" for name in heads)
    print(f"\nIn proportion, all epochs that the config gives {names}, on {n_images:,} images:")
    findings.number("whole_plain_hours", f"{plain / 3600:,.1f}", "hours, trunk in the loop")
    findings.number("whole_own_hours", f"{ours / 3600:,.2f}", "hours on kept features")
    findings.number("features_hours", f"{features / 3600:,.2f}", "hours for these features, once")
    findings.number(
        "whole_ratio", f"{plain / (features + ours):,.0f}", "together as many times faster"
    )


def tell_memory(findings: Findings, heads: dict[str, HeadSpeed], work: Workload) -> None:
    """Peak memory of each training on kept features."""
    print(
        f"\nPeak resident memory of a training on the kept features of {_images(work.kept):,} "
        "images, in a process of its own."
    )
    rows = []
    for name, it in heads.items():
        sizes = (_bytes(work.kept.features_of(it.trunk)),)
        sizes += (it.training.peak, it.training.private, it.training.mapped)
        gigabytes = [f"{each / 1e9:.2f} GB" for each in sizes]
        rows.append([f"`{name}`", *gigabytes, f"{it.training.before:.1f} s"])
    header = "model, features on disk, peak, its own, mapped files, before the first epoch"
    findings.table("memory", header.split(", "), rows)


def tell_fine_tuning(
    findings: Findings,
    results: dict[str, list[FineTuning]],
    best: float,
    matrix_size: int,
    side: int,
    rounds: int,
    steps: int,
    device: str,
) -> None:
    """Images a second of training all weights, and the share of `best`, in operations a second."""
    print(
        f"\nEnd-to-end fine-tuning at {side} px on {device}, all weights trained: bfloat16 autocast, "
        f"channels last, AdamW; medians of {rounds} rounds of {steps} steps. bfloat16 matrices of "
        f"{matrix_size:,} rows are multiplied at {best / 1e12:.3g} TFLOP/s."
    )
    header = "trunk, way, batch, images/s, TFLOP/s, of that, GPU memory, first loss, before"
    rows = [
        [
            trunk,
            it.way,
            f"{it.batch_size}",
            f"{it.rate:,.1f}",
            f"{it.rate * it.flops / 1e12:.3g}",
            f"{it.rate * it.flops / best:.0%}",
            f"{it.peak_bytes / 1e9:.1f} GB" if it.peak_bytes else "",
            f"{it.first_loss:.5f}",
            f"{it.preparation:.0f} s",
        ]
        for trunk, ways in results.items()
        for it in ways
    ]
    findings.table("fine_tuning", header.split(", "), rows, texts=2)


def _images(files: Files) -> int:
    return len(read_labels(files.parameters, files.splits).values)


def _epoch_images(files: Files) -> int:
    return epoch_images(read_labels(files.parameters, files.splits))


def _bytes(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
