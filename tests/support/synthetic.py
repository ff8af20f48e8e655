"""A small data set whose features tell its parameters, for tests of what learns."""

import numpy as np

from inverse_shading.dataset.data_files import DataFiles
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
}


class SyntheticData:
    """Files of parameters, splits, features and images of a few ranges in a folder.

    The features' channels are fixed random mixtures of the parameters plus noise; the images'
    pixels are the first three parameters.
    """

    def __init__(self, folder, n_images=80, shard_size=40, channels=24, side=4, image_side=16):
        self.folder = folder
        self.ranges = image_ranges(n_images, shard_size)
        self.parameters = [folder / f"parameters/{images}.csv" for images in self.ranges]
        self.splits = [folder / f"splits/{images}.csv" for images in self.ranges]
        self.features = [folder / f"features/{images}.npy" for images in self.ranges]
        self.images = [folder / f"images/{images}.npy" for images in self.ranges]
        self.of_features = DataFiles(self.features, self.parameters, self.splits)
        self.of_images = DataFiles(self.images, self.parameters, self.splits)
        generator = np.random.default_rng(7)
        mixture = generator.normal(size=(10, channels))
        for images, parameters, split in zip(
            self.ranges, self.parameters, self.splits, strict=True
        ):
            write_parameters(parameters, images, seed=1)
            write_split(split, images, FRACTIONS, seed=1)
        self.labels = read_labels(self.parameters, self.splits)
        values = self.labels.values.to_numpy()
        features = np.maximum(values @ mixture, 0)[:, :, None, None]
        features = features + generator.uniform(0, 0.1, size=(n_images, channels, side, side))
        pixels = np.broadcast_to(
            values[:, None, None, :3] * 255, (n_images, image_side, image_side, 3)
        )
        for number in range(len(self.ranges)):
            rows = slice(number * shard_size, (number + 1) * shard_size)
            write_array(self.features[number], features[rows].astype(np.float16))
            write_array(self.images[number], pixels[rows].astype(np.uint8))
        self.trunk = folder / "trunk.safetensors"
        write_tensors(self.trunk, {}, {"architecture": "vgg16", "origin": "made by a test"})


def model_config(head, objective=None, **training):
    """What training and evaluation of one model are given."""
    return {
        "seed": 3,
        "architecture": "vgg16",
        "trunk": "vgg16",
        "model": "tested",
        "head": head,
        "objective": objective or {"type": "regression"},
        "precision": "float32",
        "training": TRAINING | training,
    }
