"""End-to-end fine-tuning: how fast all weights of a trunk train, and what the hardware would allow.

Measured by benchmarks/train.py, on a GPU; at tiny sizes it runs on a CPU as well.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.devices import halve_batch
from inverse_shading.network.objectives.objective import load_objective
from inverse_shading.network.trunks import IMAGENET_MEAN, IMAGENET_STD, load_trunk

LEARNING_RATE = 1e-4
# Steps before the first that is timed: cuDNN tries its algorithms, the compiler compiles.
WARM_UP_STEPS = 5
# Images that lie on the device, in batches; each step draws among them.
RESIDENT_BATCHES = 4


@dataclass(frozen=True)
class FineTuning:
    """One network, trained one way.

    Attributes:
        way: eager or torch.compile.
        batch_size: the one used in the end; halved where memory ran out.
        rate: images a second, median of the rounds.
        flops: floating-point operations that a step takes for one image, two a multiply-add.
        peak_bytes: of the GPU's memory, most that timed steps allocated at a time; 0 on a CPU.
        first_loss: of the first step, from the same weights and images each way.
        preparation: seconds of the steps before the first that is timed.
    """

    way: str
    batch_size: int
    rate: float
    flops: float
    peak_bytes: int
    first_loss: float
    preparation: float


class FineTunedNetwork(nn.Module):
    """A trunk, an average pool and a dense layer, from uint8 images (n, side, side, 3) to outputs.

    That is how torchvision's ResNet50 ends; next to the trunk it costs nothing.
    """

    def __init__(self, trunk: nn.Module, outputs: int):
        super().__init__()
        self.trunk = trunk
        convolutions = [layer for layer in trunk.modules() if isinstance(layer, nn.Conv2d)]
        channels = convolutions[-1].out_channels
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs)
        )
        # `normalise_images` in two numbers a channel that stay on the device: making them anew in
        # each step would have the GPU wait for the CPU.
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self.register_buffer("factor", 1 / (255 * std))
        self.register_buffer("summand", -mean / std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # Channels last in memory, as the images are.
        batch = (images * self.factor + self.summand).permute(0, 3, 1, 2)
        return self.head(self.trunk(batch))


def fine_tune(
    trunk: Path,
    images: np.ndarray,
    way: str,
    device: torch.device,
    batch_size: int,
    rounds: int,
    steps: int,
    backend: str = "inductor",
) -> FineTuning:
    """Train all weights of a trunk and a head for a while.

    A step is forward, backward and AdamW (fused), under bfloat16 autocast with float32 weights,
    channels last. Images lie on the device as uint8 and are normalised there.

    Args:
        trunk: a file made by `trunk_weights.prepare_trunk`.
        images: uint8 (n, side, side, 3), repeated to what is needed.
        way: eager, or torch.compile of forward and loss, and so of backward.
        device: where to train.
        batch_size: to begin with.
        rounds, steps: how many times how many steps are timed.
        backend: of torch.compile.
    """
    while True:
        try:
            return _fine_tune(trunk, images, way, device, batch_size, rounds, steps, backend)
        except torch.OutOfMemoryError:
            batch_size = halve_batch(batch_size)


def _fine_tune(
    trunk: Path,
    images: np.ndarray,
    way: str,
    device: torch.device,
    batch_size: int,
    rounds: int,
    steps: int,
    backend: str,
) -> FineTuning:
    # A script's settings; the workflow's own determinism has no part in this.
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    objective = load_objective({"type": "regression"}, len(PARAMETERS))
    network = FineTunedNetwork(load_trunk(trunk), objective.outputs)
    network.to(device, memory_format=torch.channels_last).requires_grad_(True).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, fused=True)
    rows = np.arange(RESIDENT_BATCHES * batch_size) % len(images)
    resident = torch.from_numpy(images[rows]).to(device)
    targets = torch.rand(len(rows), len(PARAMETERS)).to(device)

    def loss_of(batch: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            outputs = network(batch)
        return objective.loss(outputs.float(), truth)

    # Two images: batch norm compares them where the map has a single cell.
    flops = count_flops(lambda: loss_of(resident[:2], targets[:2]).backward()) / 2
    optimiser.zero_grad()
    loss_in_this_way = loss_of
    if way == "torch.compile":
        torch.compiler.reset()
        loss_in_this_way = torch.compile(loss_of, backend=backend)

    def step() -> torch.Tensor:
        chosen = torch.randint(len(resident), (batch_size,), device=device)
        loss = loss_in_this_way(resident[chosen], targets[chosen])
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss.detach()

    start = time.perf_counter()
    # The same images whichever way: what was drawn until here may differ.
    torch.manual_seed(0)
    first_loss = float(step())
    for _ in range(WARM_UP_STEPS - 1):
        step()
    synchronise(device)
    preparation = time.perf_counter() - start
    if device.type == "cuda":
        # Afterwards: cuDNN's trials take memory that training doesn't.
        torch.cuda.reset_peak_memory_stats(device)
    seconds = [timed(step, steps, device) for _ in range(rounds)]
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    rate = batch_size / float(np.median(seconds))
    return FineTuning(way, batch_size, rate, flops, peak, first_loss, preparation)


def count_flops(run: Callable[[], object]) -> int:
    """Floating-point operations of the convolutions and matrix products that `run` computes."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def best_matmul(size: int, device: torch.device, rounds: int, repeats: int) -> float:
    """Operations a second of bfloat16 matrix products (size, size) x (size, size), best round."""
    torch.manual_seed(0)
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = torch.empty_like(left)

    def multiply() -> torch.Tensor:
        return torch.mm(left, right, out=product)

    timed(multiply, WARM_UP_STEPS, device)
    seconds = min(timed(multiply, repeats, device) for _ in range(rounds))
    return 2 * size**3 / seconds


def timed(run: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one call, from `repeats` of them in a row."""
    synchronise(device)
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    synchronise(device)
    return (time.perf_counter() - start) / repeats


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
