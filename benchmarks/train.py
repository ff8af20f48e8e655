"""How fast the networks train: python benchmarks/train.py.

Prints tables in Markdown of up to three measurements, all from this one run on this machine:

trunks       Images a second through each frozen trunk: the workflow's way (the config's
             precision and batch size, channels last, made fast) against a plain script's
             (float32, eager, the default memory format, batches of 32). They take turns in rounds;
             medians are printed, and how far the features of the two are apart.
heads        An epoch of each model's head on kept features, as the workflow trains it, against the
             same epoch as a plain fine-tuning script has it, with the frozen trunk in the loop:
             float32, eager, run on every batch and every validation image. An epoch is all training
             and all validation images, once each. Both start from the same weights and see the same
             images in the same order, so their losses must agree: from features kept in float32 but
             for rounding, from those in the config's precision as far as that precision goes.
             The plain epoch runs in full for every head, once, on a sample of --images images: it
             takes minutes, and all of it grows with the images. On kept features so few would be
             over in no time and be read from the processor's cache, so that epoch is timed over
             --epochs epochs on --kept-images images, in files. Their features are the sample's
             repeated; what is compared is the time of one image. The losses are the sample's in both.
             Each training on kept features is a process of its own, whose memory is printed too: the
             peak of what is resident, and of it the process's own and mapped files, which the system
             takes back when it needs the memory for something else.
fine-tuning  On a GPU: all weights of each trunk trained, eager and compiled, and the share that is
             of the rate at which the GPU multiplies large matrices.

With --results DIR, the `results` folder of a finished run, the kept features, the trunks and the sample
are that run's. Without, images are random blurs of colour. Progress goes to stderr.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "benchmarks")]

from speed.data import Workload, report
from speed.fine_tuning import best_matmul, fine_tune
from speed.head import (
    arguments_of_training,
    one_epoch,
    train_apart,
    train_kept_epoch,
    train_plain_epoch,
)
from speed.tables import (
    HeadSpeed,
    tell_fine_tuning,
    tell_heads,
    tell_memory,
    tell_trunks,
    tell_whole,
)
from speed.trunk import measure_trunk

from inverse_shading.config.models import (
    model_definitions,
    model_names,
    model_seeds,
    trainable_stages,
)
from inverse_shading.config.slices import model_config
from inverse_shading.network.devices import describe_device, set_up
from inverse_shading.report.findings import Findings, add_keep

PARTS = ("trunks", "heads", "fine-tuning")


def settings(config: dict, model: str) -> dict:
    """What one model is trained with; nowhere else is the configuration asked for it."""
    return model_config(config, model, model_seeds(config, model)[0])


def frozen_models(config: dict) -> list[str]:
    """The models that train a head on the last map of a frozen trunk."""
    defined = model_definitions(config)
    return [
        name
        for name in model_names(config)
        if "depths" not in config["trunks"][defined[name]["trunk"]]
        and not trainable_stages(config, name)
    ]


def main(command_line: Sequence[str] | None = None) -> None:
    """Measure and print."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    options = parse(config, command_line)
    findings = Findings(command_line)
    models = {name: settings(config, name) for name in options.models}
    trunks = list(dict.fromkeys(model["trunk"] for model in models.values()))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    device = set_up(options.device, options.threads)
    parts = options.parts or (PARTS if device.type == "cuda" else PARTS[:2])
    where = describe_device(device, options.threads)
    print(
        f"Networks on {where}, {platform.machine()}, {os.cpu_count()} cores, torch "
        f"{torch.__version__}; load of the machine before: {load}.",
        flush=True,
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        work = Workload(
            Path(name), config, options.device, options.threads, options.images,
            options.image_size, options.kept_images, options.weights, options.results,
        )  # fmt: skip
        side = work.images.shape[1]
        speeds = {}
        if "trunks" in parts:
            images = work.images[: options.trunk_images]
            setting = config["features"]
            for trunk in trunks:
                file = work.trunk(trunk)
                speeds[trunk] = measure_trunk(
                    file, images, setting, options.device, options.threads, options.rounds
                )
            tell_trunks(findings, speeds, side, len(images), setting["batch_size"], options.rounds)
        if "heads" in parts:
            heads = {
                name: measure_head(work, name, model, config["checkpoint_seconds"], options)
                for name, model in models.items()
            }
            tell_heads(findings, heads, work, options.epochs)
            if speeds:
                tell_whole(findings, speeds, heads, work)
            tell_memory(findings, heads, work)
        if "fine-tuning" in parts:
            size, rounds, steps = options.matrix_size, options.rounds, options.steps
            best = best_matmul(size, device, rounds, steps)
            results = {}
            for trunk in trunks:
                file = work.trunk(trunk)
                report(f"{trunk}: fine-tuning of all weights")
                results[trunk] = [
                    fine_tune(
                        file, work.images, way, device,
                        options.batch_size, rounds, steps, options.backend,
                    )
                    for way in ("eager", "torch.compile")
                ]  # fmt: skip
            tell_fine_tuning(findings, results, best, size, side, rounds, steps, where)
        else:
            reason = (
                "it wasn't asked for" if options.parts else f"networks ran on the {device.type}"
            )
            if not torch.cuda.is_available():
                reason = "PyTorch sees no GPU here"
            print(f"\nEnd-to-end fine-tuning was left out: {reason}.")
    findings.write(options.keep)


def parse(config: dict, command_line: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )

    def add(name: str, text: str, default=None, **how) -> None:
        shown = f"{text} ({default})" if isinstance(default, int | str) else text
        kind = {"type": type(default)} if isinstance(default, int) else {}
        parser.add_argument(name, help=shown, default=default, **kind, **how)

    names = frozen_models(config)
    add("--parts", "what to measure; left out, all that suits the device", nargs="+", choices=PARTS)
    add("--models", "of the config", names, nargs="+", choices=names, metavar="MODEL")
    add("--device", "auto, cpu or cuda", "auto")
    add("--threads", "of the CPU", config["threads"])
    add("--rounds", "of trunks and fine-tuning", 3)
    add("--images", "of the sample", 400)
    add("--image-size", "their side in pixels", config["framing"]["image_size"])
    add("--trunk-images", "of the sample, through a trunk each round", 96)
    add("--kept-images", "on whose features heads train", config["n_images"])
    add("--epochs", "of each head on kept features", 3)
    add("--weights", "a state dict for VGG16; left out, weights are random", type=Path)
    add("--results", "of a finished run, instead of made-up images", type=Path)
    add("--folder", "for temporary files: 0.2 MB for each kept image and trunk", type=Path)
    add("--batch-size", "of fine-tuning", 256)
    add("--steps", "of fine-tuning in a round", 20)
    add("--matrix-size", "rows of the matrices that set its mark", 8192)
    add("--backend", "of torch.compile", "inductor")
    add_keep(parser)
    return parser.parse_args(command_line)


def measure_head(
    work: Workload, name: str, model: dict, checkpoint_seconds: float, options: argparse.Namespace
) -> HeadSpeed:
    """Train one epoch of the sample three ways, then several on the larger data set."""
    trunk = model["trunk"]
    work.make_features(trunk)
    place = (options.device, options.threads, checkpoint_seconds)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        short = one_epoch(model)
        arguments = arguments_of_training(Path(folder), short, work.sample, *place)
        kept = train_kept_epoch(arguments)
        exact = short | {"precision": "float32"}
        arguments = arguments_of_training(Path(folder), exact, work.float32_sample, *place)
        float32_kept = train_kept_epoch(arguments)
        report(f"{name}: an epoch with the trunk in the loop")
        plain, seconds = train_plain_epoch(arguments, work.trunk(trunk), work.images)
        report(f"{name}: {1000 * seconds:.1f} ms an image; {options.epochs} on kept features")
        several = {"max_epochs": options.epochs}
        longer = model | {"training": model["training"] | several}
        training = train_apart(arguments_of_training(Path(folder), longer, work.kept, *place))
        report(f"{name}: {1000 * training.seconds:.3f} ms an image")
    epochs = model["training"]["max_epochs"]
    return HeadSpeed(trunk, epochs, plain, seconds, kept, float32_kept, training)


if __name__ == "__main__":
    main()
