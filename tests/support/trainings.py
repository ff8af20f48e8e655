"""Trainings and evaluations of small models, from files to files, as tests want them."""

import json

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.evaluation.evaluate_model import evaluate_model
from inverse_shading.network.stage_outputs import extract_stage_outputs
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.train_model import TrainingFiles, train_model

CPU = Resources("cpu", 1)


# What becomes of one model, by the rules' names.
FILES = {
    "weights": "weights.safetensors",
    "history": "history.csv",
    "summary": "training.json",
    "predictions": "predictions.csv",
    "metrics": "metrics.json",
}


def keep_outputs(folder, data, trunk, architecture, first_trained=5):
    """Keep what a trunk's stages before this one give for the images of a `SyntheticData`.

    Returns:
        `DataFiles` with these files as inputs.
    """
    config = {"architecture": architecture, "first_trained": first_trained}
    config |= {"batch_size": 8, "precision": "float32"}
    paths = [folder / f"before_stage_{first_trained}" / path.name for path in data.images]
    for path, images in zip(paths, data.images, strict=True):
        extract_stage_outputs(path, trunk, images, config, CPU)
    return DataFiles(paths, data.parameters, data.splits)


def train(data, folder, config, trunk=None, threads=1, seconds=1000, code="1"):
    """Train on these files and write into a folder.

    Args:
        data: the `DataFiles`.
        folder: for weights.safetensors, history.csv, training.json and checkpoint.pt.
        config, trunk, threads: as for `train_model`.
        seconds: from one checkpoint to the next.
        code: stands for the code that trains.

    Returns:
        What training.json holds.
    """
    names = ("weights", "history", "summary")
    outputs = TrainingFiles(**{name: folder / FILES[name] for name in names})
    resumption = Resumption(folder / "checkpoint.pt", seconds, {"training.py": code})
    train_model(outputs, config, data, Resources("cpu", threads), resumption, trunk)
    return json.loads(outputs.summary.read_text())


def evaluate(data, folder, config, trunk):
    """Evaluate what `train` wrote, into the same folder; what metrics.json holds."""
    files = {name: folder / file for name, file in FILES.items() if name != "history"}
    evaluate_model(config=config, trunk=trunk, data=data, resources=CPU, **files)
    return json.loads(files["metrics"].read_text())
