"""Training on a stream: materials that are rendered at a few pixels, learnt from and never stored.

A picture becomes inputs as for any perceptron on pixels. Its framed image, divided by 255, is averaged
over the cells of the trunk's grid; all cells' red comes first, row by row, then green, then blue. Less
the components' `mean`, times their `basis`, these values are what the dense layers take.

A streamed material is rendered at the middles of the cells alone, which costs a hundredth of its frame.
`framed` materials are rendered both ways. They say

- in which cells mean and middle differ least: `cells` of them are used, the components of all others
  are zero;
- the components of the means, which a picture is projected on;
- the linear map from the components of the middles to those of the means;
- the covariance of what this map leaves, eight bits' rounding included. Every pass over the stream adds
  a draw of this noise, so that none of it is learnt by heart.

They are validated on as well: they are whole pictures, and the network learns from none of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.rows import ArrayRows
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.architectures import IMAGE
from inverse_shading.network.devices import set_up
from inverse_shading.network.features import compute_features, load_extractor
from inverse_shading.network.heads import build_head
from inverse_shading.network.objectives.objective import load_objective
from inverse_shading.render.cell_centres import CellCentres
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import noting_stops
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.triton import load_triton
from inverse_shading.training.checkpoints import Checkpoint, Resumption, keep
from inverse_shading.training.loop import Examples, Task
from inverse_shading.training.prepare import Model, describe
from inverse_shading.training.train_model import TrainingFiles, train_prepared

# Added to a training's seed. No data set's seed is as large, so that none has a material of a stream.
STREAM = 1 << 32

# Materials that are drawn at a time.
BATCH = 50


def train_streamed(
    outputs: TrainingFiles,
    config: dict,
    stage: str | Path,
    trunk: str | Path,
    resources: Resources,
    rendering: str | int,
    resumption: Resumption,
) -> None:
    """Train a model on a stream of renders; see `train_model.train_model`.

    No byte depends on how often it was killed. Rendering has a checkpoint of its own beside the
    training's.

    Args:
        config: seed, architecture, depths, head, objective, training, framing and stream: `renders`
            streamed, `framed`, and `cells` as above.
        stage: that the renders are of.
        trunk: what makes features of pictures.
        rendering: device to render on.

    Raises:
        InputError: an input file is wrong, there is nothing to render with, the object has too few
            cells, or the training diverges.
        Stopped: the process was asked to stop; the checkpoints are written.
    """
    load_triton()
    device = set_up(resources.device, resources.threads)
    identity = resumption.identity(
        config, DataFiles([stage], [], []), trunk, device, resources.threads
    )
    # Drivers round differently; one training has the renders of one.
    with FramedRenderer(stage, config["framing"], rendering, resources.threads) as renderer:
        identity["rendering"] = renderer.driver
    path = Path(resumption.path)
    renders = Renders(Checkpoint(path.with_name("renders.pt"), identity, resumption.seconds))
    model = prepare_streamed(config, stage, trunk, Resources(rendering, resources.threads), renders)
    train_prepared(outputs, model, config, device, resources.threads, resumption.open(identity))
    renders.checkpoint.remove()


class Renders:
    """What was rendered so far, for a training that is killed meanwhile."""

    def __init__(self, checkpoint: Checkpoint):
        self.checkpoint = checkpoint
        self._done = checkpoint.load() or {}

    def fill(
        self,
        name: str,
        materials: np.ndarray,
        width: int,
        render: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """What is rendered of materials (n, 10): float32 (n, width), a batch at a time.

        Args:
            name: under which it is kept.
            render: of some materials.
        """
        rows = np.empty((len(materials), width), np.float32)
        first = 0
        done = self._done.get(name)
        if isinstance(done, torch.Tensor) and done.shape[1:] == (width,) and len(done) <= len(rows):
            first = len(done)
            rows[:first] = done.numpy()
            logger.info("%s: going on after %d renders", name, first)
        starts = range(first, len(rows), BATCH)
        with noting_stops() as raise_if_stopped:
            for start in progress(starts, len(starts), "batch"):
                rows[start : start + BATCH] = render(materials[start : start + BATCH])
                self._done[name] = torch.from_numpy(rows[: start + BATCH])
                keep(self.checkpoint, lambda: self._done, raise_if_stopped)
        return rows


class Noise(nn.Module):
    """Adds a draw of normal noise to each row in training, and nothing in use.

    Args:
        covariance: (components, components).
    """

    def __init__(self, covariance: np.ndarray):
        super().__init__()
        # Components without variance have no noise; the rest is what rounding makes of it.
        values, vectors = np.linalg.eigh(covariance)
        factor = np.sqrt(values.clip(min=0))[:, None] * vectors.T
        self.register_buffer("factor", torch.from_numpy(factor.astype(np.float32)))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows + torch.randn_like(rows) @ self.factor if self.training else rows


def draw_materials(count: int, seed: int) -> np.ndarray:
    """The materials of a stream, drawn as a data set's are: float64 (count, 10)."""
    starts = range(0, count, BATCH)
    drawn = [sample_parameters(ImageRange(s, s + BATCH - 1), STREAM + seed) for s in starts]
    return np.concatenate(drawn)[:count]


def prepare_streamed(
    config: dict, stage: str | Path, trunk: str | Path, rendering: Resources, renders: Renders
) -> Model:
    """Render the stream, and build a model with fresh weights on it; see `train_streamed`."""
    objective = load_objective(config["objective"], len(PARAMETERS))
    torch.manual_seed(config["seed"])
    stream, grid = config["stream"], config["depths"][IMAGE]
    shape = (sum(config["head"]["blocks"]), 1, 1)
    head = build_head(config["head"], shape, objective.outputs)
    materials = draw_materials(stream["framed"] + stream["renders"], config["seed"])
    known, streamed = np.split(materials, [stream["framed"]])

    def centres(cells: np.ndarray | None) -> CellCentres:
        place = rendering.device, rendering.threads
        return CellCentres(stage, config["framing"], grid, cells, *place)

    with FramedRenderer(stage, config["framing"], rendering.device, rendering.threads) as renderer:
        logger.info("rendering on %s", renderer.driver)
        features = _features_of(config, trunk, renderer)
        means = renders.fill("framed", known, shape[0], features)
    every = centres(None)
    middles = renders.fill("middles", known, 3 * len(every.cells), every.render)
    every.close()
    if stream["cells"] > len(every.cells):
        raise InputError(
            f"stream.cells: found {stream['cells']}, expected at most {len(every.cells)}: in so many "
            f"cells of {grid}x{grid} the object of {stage} is seen. Lower it, or raise the grid of "
            "the trunk."
        )
    kept = _most_alike(means[:, _columns(every.cells, grid**2)], middles, stream["cells"])
    some = centres(every.cells[kept])
    columns = _columns(some.cells, grid**2)
    with threadpool_limits(rendering.threads):
        used = np.zeros_like(means)
        used[:, columns] = means[:, columns]
        head.components.fit(used, config["seed"])
        # Where nothing varies, components are zero but for rounding.
        head.components.basis[np.setdiff1d(np.arange(shape[0]), columns)] = 0
        mean, basis = (
            getattr(head.components, name)[columns].numpy() for name in ("mean", "basis")
        )
        pictured = (used[:, columns] - mean) @ basis
        rendered = (middles[:, _columns(kept, len(every.cells))] - mean) @ basis
        slope, offset, covariance = _fit_map(rendered, pictured)
        noise = Noise(covariance)

    def components(batch: np.ndarray) -> np.ndarray:
        return (some.render(batch) - mean) @ basis @ slope + offset

    # Small products between renders: see rules/common.smk.
    with threadpool_limits(1):
        rows = renders.fill("streamed", streamed, head.components.count, components)
    some.close()
    examples = Examples(
        ArrayRows(np.concatenate([rows, pictured])),
        np.concatenate([streamed, known]).astype(np.float32),
        np.arange(len(rows)),
        len(rows) + np.arange(len(pictured)),
    )
    network = nn.Sequential(noise, head.trained)
    return Model(Task(network, objective, examples), head, describe(config, shape, objective))


def _features_of(
    config: Mapping, trunk: str | Path, renderer: FramedRenderer
) -> Callable[[np.ndarray], np.ndarray]:
    """From materials to the trunk's features of their framed pictures, rounded as these are."""
    cpu = torch.device("cpu")
    architecture, precision = config["architecture"], "float32"
    extractor, dtype = load_extractor(trunk, architecture, config["depths"], cpu, precision)

    def render(materials: np.ndarray) -> np.ndarray:
        images = np.stack([renderer.render(values) for values in materials])
        features = compute_features(extractor, images, cpu, precision, dtype)
        return features.reshape(len(images), -1)

    return render


def _columns(cells: np.ndarray, count: int) -> np.ndarray:
    """Places of cells in values that have all `count` cells' red first, then green, then blue."""
    return np.concatenate([channel * count + cells for channel in range(3)])


def _most_alike(means: np.ndarray, middles: np.ndarray, count: int) -> np.ndarray:
    """Numbers, ascending, of the cells in which mean and middle differ least over all materials."""
    squares = np.square(means - middles).mean(axis=0).reshape(3, -1).sum(axis=0)
    return np.sort(np.argsort(squares, kind="stable")[:count])


def _fit_map(inputs: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares from inputs (n, k) to outputs (n, k): slope, offset, covariance of the rest."""
    design = np.column_stack([inputs, np.ones(len(inputs))]).astype(np.float64)
    found, *_ = np.linalg.lstsq(design, outputs.astype(np.float64), rcond=None)
    rest = outputs - design @ found
    # As many degrees of freedom as the map has are fitted away.
    covariance = rest.T @ rest / max(len(inputs) - design.shape[1], 1)
    return found[:-1].astype(np.float32), found[-1].astype(np.float32), covariance
