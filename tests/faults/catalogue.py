"""The faults, made from a seed: damaged files, killed processes, full and locked disks, two at once."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from tests.faults.harness import LIMIT_SECONDS, Fault, Trial, UnclearError, process_of

FIRST, SECOND = "000000-000019", "000020-000039"

# Each kind of intermediate file, and results that a step makes from it.
READERS = {
    "stage.safetensors": [f"renders/{FIRST}.tar", f"images/{SECOND}.npy"],
    f"parameters/{SECOND}.csv": [
        f"renders/{SECOND}.tar",
        "models/vgg16_v1/seeds/1/weights.safetensors",
    ],
    f"renders/{FIRST}.tar": [f"images/{FIRST}.npy"],
    f"images/{FIRST}.npy": [
        f"features/vgg16/{FIRST}.npy",
        "baselines/ridge/metrics.json",
        "figures/examples.png",
    ],
    f"splits/{FIRST}.csv": [
        "models/vgg16_bins_v2/seeds/1/weights.safetensors",
        "baselines/ridge/metrics.json",
    ],
    "trunks/vgg16.safetensors": [f"features/vgg16/{SECOND}.npy"],
    f"features/vgg16/{SECOND}.npy": [
        "models/vgg16_v1/seeds/1/weights.safetensors",
        "models/vgg16_bins_v2/seeds/1/metrics.json",
    ],
    "models/vgg16_v1/seeds/1/weights.safetensors": ["models/vgg16_v1/seeds/1/metrics.json"],
    "models/vgg16_bins_v2/seeds/1/training.json": ["models/vgg16_bins_v2/seeds/1/metrics.json"],
    "models/vgg16_v1/seeds/1/predictions.csv": ["models/vgg16_v1/metrics.json", "paired_tests.csv"],
    "models/vgg16_bins_v2/seeds/1/metrics.json": ["models/vgg16_bins_v2/metrics.json"],
    "models/vgg16_v1/history.csv": ["figures/learning_curves.png"],
    "models/vgg16_bins_v2/predictions.csv": ["figures/predicted_against_true/vgg16_bins_v2.png"],
    "models/vgg16_v1/metrics.json": ["comparison.csv"],
    "novel_stage.safetensors": ["models/vgg16_v1/appearance.json"],
    "models/vgg16_v1/appearance.json": ["comparison.csv"],
    "baselines/ridge/metrics.json": ["comparison.csv"],
    "comparison.csv": ["figures/error_by_parameter.png", "comparison.md"],
    "paired_tests.csv": ["figures/paired_tests.png", "comparison.md"],
}

# The rules whose jobs are struck: the script, what it makes, and the name of its timing.
WORKERS = {
    "render": (f"renders/{FIRST}.tar", f"render/{FIRST}"),
    "images": (f"images/{SECOND}.npy", f"images/{SECOND}"),
    "features": (f"features/vgg16/{FIRST}.npy", f"features/vgg16/{FIRST}"),
    "train": ("models/vgg16_v1/seeds/1/weights.safetensors", "train/vgg16_v1/1"),
    "evaluate": ("models/vgg16_bins_v2/seeds/1/metrics.json", "evaluate/vgg16_bins_v2/1"),
}


def draw_faults(count: int, seed: int) -> list[Fault]:
    """Draw faults of every group in turn, so that the first few are of many groups."""
    generator = np.random.default_rng(seed)
    makers = [
        _damaged,
        _killed_worker,
        _damaged,
        _killed_training,
        _damaged,
        _killed_snakemake,
        _damaged,
        _full_disk,
        _damaged,
        _damaged_seal,
        _write_protected,
        _two_instances,
    ]
    return [makers[index % len(makers)](generator, index) for index in range(count)]


def _damaged(generator: np.random.Generator, index: int) -> Fault:
    # All kinds of files come up in turn, with every way of damage.
    names, ways = list(READERS), list(WAYS)
    turn = index // 2
    name = names[turn % len(names)]
    way = ways[turn % len(ways)]
    reader = str(generator.choice(READERS[name]))
    keeps_time = bool(generator.integers(2))

    def before(trial: Trial, generator: np.random.Generator) -> None:
        path = trial.results / name
        times = path.stat()
        path.write_bytes(WAYS[way](path.read_bytes(), generator))
        if keeps_time:
            # As a failing disk does it; a new time is what a hand or a copy leaves.
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return Fault(
        f"{Path(name).suffix[1:]} file {way}",
        f"{name} {way}, its time {'kept' if keeps_time else 'new'}, before {reader} is made",
        [f"results/{reader}"],
        [reader],
        before,
    )


def _truncate(content: bytes, generator: np.random.Generator) -> bytes:
    return content[: int(generator.integers(len(content)))]


def _flip_bit(content: bytes, generator: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    damaged[int(generator.integers(len(content)))] ^= 1 << int(generator.integers(8))
    return bytes(damaged)


def _overwrite(content: bytes, generator: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    first = int(generator.integers(len(content)))
    block = generator.bytes(min(512, len(content) - first))
    damaged[first : first + len(block)] = block
    return bytes(damaged)


WAYS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "truncated": _truncate,
    "bit-flipped": _flip_bit,
    "overwritten in part": _overwrite,
}


def _damaged_seal(generator: np.random.Generator, index: int) -> Fault:
    name = str(generator.choice(list(READERS)))
    reader = READERS[name][0]
    way = str(generator.choice([*WAYS, "lost"]))

    def before(trial: Trial, generator: np.random.Generator) -> None:
        path = trial.results / f"{name}.sha256"
        if way == "lost":
            path.unlink()
        else:
            path.write_bytes(WAYS[way](path.read_bytes(), generator))

    return Fault(
        "checksum damaged or lost",
        f"{name}.sha256 {way}, before {reader} is made",
        [f"results/{reader}"],
        [reader],
        before,
    )


def _killed_worker(generator: np.random.Generator, index: int) -> Fault:
    scripts = [name for name in WORKERS if name != "train"]
    return _kill(scripts[index // 12 % len(scripts)], generator)


def _killed_training(generator: np.random.Generator, index: int) -> Fault:
    # Every third is asked to stop, as at a time limit, instead of killed.
    number = signal.SIGTERM if index // 12 % 3 == 2 else signal.SIGKILL
    return _kill("train", generator, number)


def _kill(
    script: str, generator: np.random.Generator, number: signal.Signals = signal.SIGKILL
) -> Fault:
    name, job = WORKERS[script]
    # In the undisturbed run jobs ran side by side, so alone they are done sooner.
    share = float(generator.uniform(0, 0.6))

    def during(trial: Trial, generator: np.random.Generator, main: subprocess.Popen) -> bool:
        process = process_of(trial.project.folder, script, main)
        time.sleep(share * trial.usual_seconds(job))
        if process is None or not process.is_running():
            return False
        process.send_signal(number)
        if (trial.results / name).with_name("checkpoint.pt").exists():
            trial.notes.append("with a checkpoint")
        return True

    return Fault(
        f"{script} job: {number.name}",
        f"{number.name} to the {script} job of {name} after {share:.0%} of its usual time",
        [f"results/{name}"],
        [name],
        during=during,
    )


def _killed_snakemake(generator: np.random.Generator, index: int) -> Fault:
    # Alone, its jobs running on; or with all its jobs, as a power cut does it.
    alone = index // 12 % 2 == 0
    moment = float(generator.uniform(2, 12))
    lost = [f"renders/{FIRST}.tar", f"images/{FIRST}.npy", f"features/vgg16/{FIRST}.npy"]
    lost += [f"models/vgg16_v1/{name}" for name in ("seeds/1/weights.safetensors", "metrics.json")]

    def during(trial: Trial, generator: np.random.Generator, main: subprocess.Popen) -> bool:
        time.sleep(moment / trial.haste)
        if main.poll() is not None:
            return False
        jobs = psutil.Process(main.pid).children(recursive=True)
        main.kill()
        if not alone:
            for job in jobs:
                with suppress(psutil.NoSuchProcess):
                    job.kill()
        return True

    return Fault(
        "Snakemake: SIGKILL" + ("" if alone else " with all its jobs"),
        f"SIGKILL to Snakemake{'' if alone else ' and its jobs'} after {moment:.1f} s",
        ["results/models/vgg16_v1/metrics.json"],
        lost,
        during=during,
    )


def _full_disk(generator: np.random.Generator, index: int) -> Fault:
    script = ["render", "features", "train", "images"][index // 12 % 4]
    name, _ = WORKERS[script]
    share = float(generator.uniform(0, 0.9))
    # Results on a disk of their own; or with Snakemake's records, which it then can't write either.
    whole = index // 12 % 3 == 1

    def before(trial: Trial, generator: np.random.Generator) -> None:
        folder = trial.project.folder if whole else trial.results
        put_on_small_disk(trial, folder, share * trial.usual_size(name))

    return Fault(
        "disk full, also for Snakemake's records" if whole else "disk full",
        f"disk full while {name} is written, with room for {share:.0%} of it",
        [f"results/{name}"],
        [name],
        before,
        undo=enlarge_disk,
        mounts=True,
    )


def _write_protected(generator: np.random.Generator, index: int) -> Fault:
    script = ["images", "train", "render", "evaluate"][index // 12 % 4]
    name, job = WORKERS[script]
    share = float(generator.uniform(0, 0.5))

    def during(trial: Trial, generator: np.random.Generator, main: subprocess.Popen) -> bool:
        process_of(trial.project.folder, script, main)
        time.sleep(share * trial.usual_seconds(job))
        protect(trial, (trial.results / name).parent)
        return True

    return Fault(
        "write permission taken away",
        f"folder of {name} read-only after {share:.0%} of its job's usual time",
        [f"results/{name}"],
        [name],
        during=during,
        undo=unprotect,
        mounts=True,
    )


def _two_instances(generator: np.random.Generator, index: int) -> Fault:
    apart = float(generator.uniform(0, 6))
    lost = [f"images/{FIRST}.npy", f"features/vgg16/{FIRST}.npy"]

    def during(trial: Trial, generator: np.random.Generator, main: subprocess.Popen) -> bool:
        time.sleep(apart / trial.haste)
        struck = main.poll() is None
        target = f"results/features/vgg16/{FIRST}.npy"
        second = trial.project.run(target, check=False, timeout=LIMIT_SECONDS)
        said = second.stdout
        if second.returncode and not ("cannot be locked" in said and "--unlock" in said):
            raise UnclearError(said)
        refused = "refused, since the folder is locked" if second.returncode else "let through"
        trial.notes.append(f"the second was {refused}")
        return struck

    return Fault(
        "two instances at once",
        f"a second instance {apart:.1f} s after the first",
        [f"results/features/vgg16/{FIRST}.npy"],
        lost,
        during=during,
    )


def put_on_small_disk(trial: Trial, folder: Path, room: float) -> None:
    """Move a folder to a disk of its own.

    Args:
        room: bytes that can be written to it.
    """
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    files = [path for path in aside.rglob("*") if path.is_file()]
    pages = sum(-(-path.stat().st_size // 4096) for path in files) + 4 + int(room / 4096)
    _mount(trial, folder, "-t", "tmpfs", "-o", f"size={4096 * pages}", "tmpfs")
    subprocess.run(["cp", "-a", f"{aside}/.", folder], check=True)


def enlarge_disk(trial: Trial) -> None:
    subprocess.run(["mount", "-o", "remount,size=1g", trial.mounts[-1]], check=True)


def protect(trial: Trial, folder: Path) -> None:
    """Take away the permission to write."""
    # Root may write wherever modes say no; a read-only mount is obeyed by all.
    _mount(trial, folder, "--bind", str(folder))
    # Refused while a file is open for writing: the moment after it is as good.
    while subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=False).returncode:
        time.sleep(0.02)


def unprotect(trial: Trial) -> None:
    subprocess.run(["mount", "-o", "remount,bind,rw", trial.mounts[-1]], check=True)


def _mount(trial: Trial, folder: Path, *arguments: str) -> None:
    subprocess.run(["mount", *arguments, folder], check=True, capture_output=True)
    trial.mounts.append(folder)
