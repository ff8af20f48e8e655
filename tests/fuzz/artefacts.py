"""Files that steps hand on, of one small model: damaged under their old checksum or under a new one."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.parameter_table import read_parameters
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.shards import read_shard, write_shard
from inverse_shading.dataset.splits import read_split
from inverse_shading.evaluation.predictions import read_all_predictions
from inverse_shading.inversion.calibration import read_calibration
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal
from inverse_shading.scene.stage_file import read_stage
from tests.fuzz.harness import REFUSED, RIGHT, Input, Kind, Trial
from tests.fuzz.mutation import damage
from tests.fuzz.values import drawn

RANGE = parse_range("000000-000019")
CARD = "models/tested/model.json"
SIDE = 16


def small_results(shared: Path) -> Path:
    """Results with one small model, a stage to render it on and a picture; made once."""
    results = shared / "results"
    with FileLock(shared / "results.lock"):
        if not (shared / "picture.png").exists():
            import torch
            from PIL import Image

            from inverse_shading.training.checkpoints import Checkpoint
            from tests.support.small_model import SmallModel
            from tests.support.small_stage import make_small_stage

            model = SmallModel(results)
            make_small_stage(results)
            model.describe()
            frames = np.full((20, SIDE, SIDE, 3), 90, np.uint8)
            samples = zip(RANGE.identifiers, np.full((20, 10), 0.5), frames, strict=True)
            write_shard(results / "shard.tar", samples)
            Checkpoint(results / "checkpoint.pt", {}, 0).save({"tensors": torch.arange(12.0)})
            pixels = np.full((64, 64, 3), 110, np.uint8)
            pixels[16:48, 16:48] = 200
            Image.fromarray(pixels).save(shared / "picture.png")
    return results


def read_weights(path: Path):
    from inverse_shading.network.whole_network import load_network

    network, description = load_network(path)
    return [tensor.numpy() for tensor in network.state_dict().values()], description


def read_checkpoint(path: Path):
    from inverse_shading.training.checkpoints import Checkpoint

    state = Checkpoint(path, {}, 0).load()
    if state is None:
        # What training does without a word.
        raise InputError(f"{path}: not taken. Train anew.")
    return state["tensors"].numpy()


# Of each kind of file: which, and what reads it to something that can be compared.
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "parameters.csv": (f"data/parameters/{RANGE}.csv", lambda path: read_parameters(path, RANGE)),
    "split.csv": (f"data/splits/{RANGE}.csv", lambda path: read_split(path, RANGE)),
    "predictions.csv": ("models/tested/predictions.csv", lambda path: vars(read_all_predictions(path))),
    "calibration.json": ("calibration.json", lambda path: vars(read_calibration(path))),
    "images.npy": (f"data/images/{RANGE}.npy", lambda path: np.array(open_images(path, RANGE))),
    "weights.safetensors": ("models/tested/weights.safetensors", read_weights),
    "stage.safetensors": ("stage.safetensors", lambda path: vars(read_stage(path))),
    "checkpoint.pt": ("checkpoint.pt", read_checkpoint),
    "shard.tar": ("shard.tar", lambda path: list(read_shard(path, RANGE, SIDE))),
}  # fmt: skip


def leaves(found: object) -> list[np.ndarray]:
    """All that a reader gave as arrays, in order."""
    if isinstance(found, dict):
        return [leaf for name in found for leaf in [np.array(name), *leaves(found[name])]]
    if isinstance(found, (list, tuple)):
        return [leaf for part in found for leaf in leaves(part)]
    return [np.array(found)]


def wrong_values(true: object, found: object) -> str | None:
    """What is wrong with what a damaged file under a checksum of its own was read as.

    Its values can't be told from others, its form can: the same arrays of the same types and sizes,
    all finite.
    """
    expected, given = leaves(true), leaves(found)
    if len(expected) != len(given):
        return f"{len(given)} values, expected {len(expected)}"
    for before, after in zip(expected, given, strict=True):
        if before.shape != after.shape or before.dtype.kind != after.dtype.kind:
            return f"found {after.dtype} {after.shape}, expected {before.dtype} {before.shape}"
        if after.dtype.kind == "f" and not np.isfinite(after).all():
            return "found numbers that aren't finite"
    return None


def wrong_table(found: dict) -> str | None:
    """The same of predictions: any number of rows, as long as they are of one length and finite."""
    true, predicted = found["true"], found["predicted"]
    if true.shape != predicted.shape or true.shape[1:] != (10,):
        return f"found {true.shape} and {predicted.shape}, expected rows of ten"
    return None if np.isfinite([true, predicted]).all() else "found numbers that aren't finite"


def same_values(true: object, found: object) -> str | None:
    alike = map(np.array_equal, leaves(true), leaves(found))
    return wrong_values(true, found) or (None if all(alike) else "found other values")


def make(kind: str, resealed: bool, one: Input, folder: Path, shared: Path) -> Trial:
    """A damaged file; number 0 is undamaged."""
    name, read = READERS[kind]
    whole = small_results(shared) / name
    path = folder / whole.name
    for suffix in ("", ".sha256"):
        shutil.copy(f"{whole}{suffix}", f"{path}{suffix}")
    true = read(whole)
    if not one.number:
        return Trial(lambda: read(path), partial(same_values, true), (path.name,), RIGHT)
    content = whole.read_bytes()
    path.write_bytes(damage(content, one.generator).content)
    if resealed:
        seal(path)
        wrong = wrong_table if kind.startswith("predictions.csv") else partial(wrong_values, true)
        return Trial(lambda: read(path), wrong, (path.name,))
    expected = REFUSED if path.read_bytes() != content else RIGHT
    return Trial(lambda: read(path), partial(same_values, true), (path.name,), expected)


def predict(card: Path, pictures: list[Path], output: Path, refine: bool = False) -> list:
    """The whole prediction by the model of a card; gives what was refused."""
    from inverse_shading.prediction.predict import predict_pictures
    from inverse_shading.prediction.session import Options
    from inverse_shading.runtime.resources import Resources

    return predict_pictures(
        pictures, card.parent, output, Options(any_silhouette=True, refine=refine),
        device="cpu", rendering=Resources("cpu", 1),
    ).failures  # fmt: skip


def predicted(folder: Path, shared: Path, refine: bool = False) -> Path:
    """Predict the common picture by the model in a folder; gives the report."""
    for failure in predict(folder / CARD, [shared / "picture.png"], folder / "out", refine):
        raise failure
    return folder / "out" / "picture.json"


def wrong_prediction(report: Path) -> str | None:
    """What is wrong with a prediction, whatever the card says: a material of finite inputs."""
    parameters = json.loads(report.read_text())["parameters"]
    values = [value["value"] for value in parameters.values()]
    if len(values) != 10 or not all(0 <= value <= 1 for value in values):
        return f"found the inputs {values}"
    return None if report.with_suffix(".mtlx").stat().st_size else "an empty material"


def wrong_card(card: dict, whole: dict, report: Path) -> str | None:
    """As `wrong_prediction`; also a card that was taken whose values are of other types."""
    return wrong_prediction(report) or _other_types(card, whole, "card")


def _other_types(found: object, true: object, place: str) -> str | None:
    if isinstance(true, dict):
        if not isinstance(found, dict) or set(found) != set(true):
            return f"{place}: other keys"
        problems = (_other_types(found[name], true[name], f"{place}.{name}") for name in true)
        return next(filter(None, problems), None)
    if isinstance(true, list):
        if not isinstance(found, list):
            return f"{place}: no list"
        problems = (_other_types(one, true[0], place) for one in found if true)
        return next(filter(None, problems), None)
    kinds = {float: (int, float), int: (int,), str: (str,), type(None): (type(None), str)}
    # An integral number is an integer.
    if type(found) is float and found.is_integer():
        found = int(found)
    if type(found) not in kinds[type(true)] or not (found is None or found == found):
        return f"{place}: {found!r} in place of {true!r}"
    return None


def model_copy(folder: Path, shared: Path) -> Path:
    """Put a copy of the small model into a folder; gives its card."""
    whole = small_results(shared)
    for name in ("models", "trunks", "stage.safetensors", "stage.safetensors.sha256"):
        source = whole / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder / CARD


def make_card(one: Input, folder: Path, shared: Path) -> Trial:
    """A changed card under a checksum of its own, and a whole prediction with it."""
    path = model_copy(folder, shared)
    true = json.loads(path.read_text())
    card = drawn("card", one, shared, shared / "results" / CARD) if one.number else true
    path.write_text(json.dumps(card))
    seal(path)
    refine = bool(one.generator.integers(2)) or not one.number
    return Trial(
        lambda: predicted(folder, shared, refine),
        partial(wrong_card, card, true),
        (path.name,),
        None if one.number else RIGHT,
    )


KINDS = {
    **{
        f"{kind}, old checksum": Kind("damaged, old checksum", 30, partial(make, kind, False))
        for kind in READERS
    },
    **{
        f"{kind}, new checksum": Kind("damaged, new checksum", 120, partial(make, kind, True))
        for kind in READERS
    },
    "card": Kind("cards with a new checksum, whole predict", 200, make_card),
}
