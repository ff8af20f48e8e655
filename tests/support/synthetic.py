"""A small data set whose features tell its parameters, for tests of what learns."""

import numpy as np

from inverse_shading.dataset.labels import read_labels
from inverse_shading.dataset.parameter_table import write_parameters
from inverse_shading.dataset.ranges import image_ranges
from inverse_shading.dataset.splits import write_split
from inverse_shading.runtime.artefacts import write_array, write_tensors

FRACTIONS = {"train": 0.65, "validation": 0.15, "test": 0.20}
TRAINING = {
    "batch_size": 16,
    "max_epochs": 3,
    "learning_rate": 0.01,
    "schedule": "one_cycle",
    "weight_decay": 0.0001,
    "patience": 3,
}


class SyntheticData:
    """Files of parameters, splits, features and images of a few ranges in a folder.

    The features' channels are fixed random mixtures of the parameters plus noise; the images'
    pixels are the first three parameters.
    """

    def __init__(self, folder, n_images=80, shard_size=40, channels=24, side=4, image_side=16):
        self.folder = folder
        self.ranges = image_ranges(n_images, shard_size)
        generator = np.random.default_rng(7)
        mixture = generator.normal(size=(10, channels))
        for images in self.ranges:
            write_parameters(folder / f"parameters/{images}.csv", images, seed=1)
            write_split(folder / f"splits/{images}.csv", images, FRACTIONS, seed=1)
        self.labels = read_labels(self.parameters, self.splits)
        values = self.labels.values.to_numpy()
        features = np.maximum(values @ mixture, 0)[:, :, None, None]
        features = features + generator.uniform(0, 0.1, size=(n_images, channels, side, side))
        pixels = np.broadcast_to(
            values[:, None, None, :3] * 255, (n_images, image_side, image_side, 3)
        )
        for number, images in enumerate(self.ranges):
            rows = slice(number * shard_size, (number + 1) * shard_size)
            write_array(folder / f"features/{images}.npy", features[rows].astype(np.float16))
            write_array(folder / f"images/{images}.npy", pixels[rows].astype(np.uint8))
        self.trunk = folder / "trunk.safetensors"
        write_tensors(self.trunk, {}, {"architecture": "vgg16", "origin": "made by a test"})

    def _paths(self, kind, suffix):
        return [self.folder / kind / f"{images}.{suffix}" for images in self.ranges]

    @property
    def parameters(self):
        return self._paths("parameters", "csv")

    @property
    def splits(self):
        return self._paths("splits", "csv")

    @property
    def features(self):
        return self._paths("features", "npy")

    @property
    def images(self):
        return self._paths("images", "npy")


def model_config(head, objective=None, **training):
    """What training and evaluation of one model are given."""
    return {
        "seed": 3,
        "architecture": "vgg16",
        "trunk": "vgg16",
        "model": "tested",
        "head": head,
        "objective": objective or {"type": "regression"},
        "training": TRAINING | training,
    }
