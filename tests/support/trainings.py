"""Trainings and evaluations of small models, from files to files, as tests want them."""

import json

from inverse_shading.evaluation.evaluate_model import evaluate_model
from inverse_shading.runtime.placement import Placement
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.train_model import TrainingFiles, train_model

CPU = Placement("cpu", 1)


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
    names = ("weights.safetensors", "history.csv", "training.json")
    outputs = TrainingFiles(*(folder / name for name in names))
    resumption = Resumption(folder / "checkpoint.pt", seconds, {"training.py": code})
    train_model(outputs, config, data, Placement("cpu", threads), resumption, trunk)
    return json.loads(outputs.summary.read_text())


def evaluate(data, folder, config, trunk):
    """Evaluate what `train` wrote, into the same folder; what metrics.json holds."""
    names = ("weights.safetensors", "training.json")
    metrics = folder / "metrics.json"
    inputs = (folder / name for name in names)
    evaluate_model(folder / "predictions.csv", metrics, config, *inputs, trunk, data, CPU)
    return json.loads(metrics.read_text())
