"""How fast images run through a frozen trunk: the workflow's way and a plain script's."""

import ctypes
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.transforms.functional import normalize

from inverse_shading.network.devices import (
    M_MMAP_MAX,
    M_TRIM_THRESHOLD,
    reuse_freed_memory,
    set_up,
)
from inverse_shading.network.features import compute_features, load_extractor
from inverse_shading.network.trunks import IMAGENET_MEAN, IMAGENET_STD, load_trunk
from inverse_shading.runtime.artefacts import read_description

from .data import report

# What a script that wasn't written for this machine would take.
PLAIN_BATCH_SIZE = 32
# Of glibc's mallopt (malloc.h).
M_MMAP_THRESHOLD = -3
MIB = 1024 * 1024


@dataclass(frozen=True)
class TrunkSpeed:
    """How a trunk ran, the workflow's way by precision.

    Attributes:
        plain: images a second of the plain script's way, median of the rounds.
        own: the same of the workflow's.
        error: distance of its features from the plain ones, as a share of the length of those.
        difference: the largest between two numbers, as a share of the largest plain one.
        precision: the config's.
    """

    plain: float
    own: dict[str, float]
    error: dict[str, float]
    difference: dict[str, float]
    precision: str


def measure_trunk(
    file: Path, images: np.ndarray, config: dict, device: str, threads: int, rounds: int
) -> TrunkSpeed:
    """Run images through a trunk in both ways, in turn; the workflow's in float32 as well.

    Args:
        file: the trunk's, made by `trunk_weights.prepare_trunk`.
        images: uint8 (n, side, side, 3), all of them each round.
        config: the `features` section: batch_size, precision.
        device: auto, cpu or cuda.
        threads: of the CPU.
        rounds: of which medians are taken.
    """
    place = set_up(device, threads)
    chosen = config["precision"]
    architecture = read_description(file)["architecture"]
    plain = load_trunk(file).to(place)

    def in_batches(size: int) -> list[np.ndarray]:
        return [images[first : first + size] for first in range(0, len(images), size)]

    def run_own(network: nn.Module, precision: str) -> np.ndarray:
        reuse_freed_memory(set_up(device, threads))
        batches = in_batches(config["batch_size"])
        return np.concatenate([compute_features(network, b, place, precision) for b in batches])

    def run_plain() -> np.ndarray:
        be_plain()
        with torch.no_grad():
            return np.concatenate(
                [plain(plain_input(b, place)).cpu().numpy() for b in in_batches(PLAIN_BATCH_SIZE)]
            )

    # The float32 row tells what is due to the precision and what to the rest.
    ways = {
        name: partial(run_own, load_extractor(file, architecture, None, place, name)[0], name)
        for name in dict.fromkeys([chosen, "float32"])
    }
    ways["plain"] = run_plain
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    features = {}
    # Round 0 sets up the layers' kernels.
    for number in range(rounds + 1):
        for name, run in ways.items():
            start = time.perf_counter()
            # What has arrived on the CPU has been computed; there is no GPU left to wait for.
            features[name] = run()
            seconds[name].append(time.perf_counter() - start)
            rate = len(images) / seconds[name][-1]
            report(f"{file.stem}, round {number}, {name}: {rate:.2f} images/s")
    rates = {name: len(images) / float(np.median(times[1:])) for name, times in seconds.items()}
    truth = features.pop("plain")
    apart = {name: found.astype(np.float32) - truth for name, found in features.items()}
    return TrunkSpeed(
        rates.pop("plain"),
        rates,
        {n: float(np.linalg.norm(a) / np.linalg.norm(truth)) for n, a in apart.items()},
        {n: float(np.abs(a).max() / np.abs(truth).max()) for n, a in apart.items()},
        chosen,
    )


def plain_input(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Images as torchvision's transforms bring them to a network: float32, channels first."""
    batch = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous().float() / 255
    return normalize(batch, IMAGENET_MEAN, IMAGENET_STD).to(device)


def be_plain() -> None:
    """Undo what the workflow, unlike a plain script, asks of PyTorch and of the C library."""
    torch.use_deterministic_algorithms(False)
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_MAX, 65536)
    # What glibc's own thresholds grow to where large blocks are freed.
    mallopt(M_MMAP_THRESHOLD, 32 * MIB)
    mallopt(M_TRIM_THRESHOLD, 64 * MIB)
