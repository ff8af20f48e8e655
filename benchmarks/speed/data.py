"""What is measured on: images, trunks, features and labels, in files as the workflow has them."""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.parameter_table import read_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange, image_ranges, parse_range
from inverse_shading.dataset.splits import write_split
from inverse_shading.network.features import extract_features
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.runtime.artefacts import write_array
from inverse_shading.runtime.files import sealed_path
from inverse_shading.runtime.resources import Resources


@dataclass(frozen=True)
class Files:
    """The files of a data set, a shard each, in order.

    Attributes:
        features: the folder that has a folder for each trunk.
    """

    parameters: list[Path]
    splits: list[Path]
    features: Path

    def features_of(self, trunk: str) -> list[Path]:
        return [self.features / trunk / f"{path.stem}.npy" for path in self.parameters]


class Workload:
    """A sample of images, and the larger data set whose features are kept.

    Args:
        folder: for what is made here.
        config: the workflow's.
        device, threads: where features are computed.
        images: of the sample.
        image_size: their side in pixels.
        kept_images: of the larger data set.
        weights: a state dict for VGG16; None for random ones.
        results: the `results` folder of a finished run, to take images, trunks and the larger data
            set of; None to make them.
    """

    def __init__(
        self,
        folder: Path,
        config: dict,
        device: str,
        threads: int,
        images: int,
        image_size: int,
        kept_images: int,
        weights: Path | None,
        results: Path | None,
    ):
        self._folder, self._config, self._results = folder, config, results
        self._device, self._threads, self._weights = device, threads, weights
        self.sample = self._write_labels(folder / "sample", [ImageRange(0, images - 1)])
        # The same images and labels with features computed in float32.
        self.float32_sample = replace(self.sample, features=folder / "sample/float32_features")
        self._images = folder / "sample" / f"{ImageRange(0, images - 1)}.npy"
        if results is None:
            write_array(self._images, blurs(images, image_size))
            shard = min(config["shard_size"], kept_images)
            if kept_images % shard:
                raise SystemExit(f"--kept-images: {kept_images} is no multiple of {shard}")
            self.kept = self._write_labels(folder / "kept", image_ranges(kept_images, shard))
        else:
            self._copy_images(images)
            ranges = sorted(
                results.glob("parameters/*.csv"), key=lambda p: parse_range(p.stem).first
            )
            if not ranges:
                raise SystemExit(
                    f"{results} has no parameters: give the `results` of a finished run"
                )
            self.kept = Files(
                ranges, [results / "splits" / path.name for path in ranges], results / "features"
            )

    @property
    def images(self) -> np.ndarray:
        """The sample's, uint8 (n, side, side, 3)."""
        return open_images(self._images)

    def trunk(self, name: str) -> Path:
        """The file of a trunk: the finished run's, or one of given or random weights."""
        if self._results is not None:
            return self._results / f"trunks/{name}.safetensors"
        path = self._folder / f"{name}.safetensors"
        if not path.exists():
            architecture = self._config["trunks"][name]["architecture"]
            config = {
                "architecture": architecture,
                "weights": "random",
                "seed": self._config["seed"],
                "batch_size": self._config["features"]["batch_size"],
            }
            if self._weights is not None and architecture == "vgg16":
                config["weights"] = str(self._weights)
            report(f"{name}: {config['weights']} weights")
            prepare_trunk(path, config, self._images, self.sample.splits[0])
        return path

    def make_features(self, trunk: str) -> None:
        """Write a trunk's features, of the sample and of the larger data set where it is made."""
        (path,) = self.sample.features_of(trunk)
        if path.exists():
            return
        report(f"{trunk}: features of the sample")
        architecture = self._config["trunks"][trunk]["architecture"]
        config = self._config["features"] | {"architecture": architecture}
        resources = Resources(self._device, self._threads)
        extract_features(path, self.trunk(trunk), self._images, config, resources)
        (exact,) = self.float32_sample.features_of(trunk)
        config["precision"] = "float32"
        extract_features(exact, self.trunk(trunk), self._images, config, resources)
        if self._results is None:
            report(f"{trunk}: files of the features that are kept")
            features = np.load(path, mmap_mode="r")
            for file in self.kept.features_of(trunk):
                images = parse_range(file.stem)
                rows = np.arange(images.first, images.last + 1) % len(features)
                write_array(file, features[rows])

    def _write_labels(self, folder: Path, ranges: list[ImageRange]) -> Files:
        parameters = [folder / f"parameters/{images}.csv" for images in ranges]
        splits = [folder / f"splits/{images}.csv" for images in ranges]
        for path, split, images in zip(parameters, splits, ranges, strict=True):
            write_parameters(path, images, self._config["seed"])
            write_split(split, images, self._config["split"], self._config["seed"])
        return Files(parameters, splits, folder / "features")

    def _copy_images(self, count: int) -> None:
        """Take the finished run's first images and their parameters for the sample."""
        shard = min(self._results.glob("images/*.npy"), default=None)
        found = 0 if shard is None else len(open_images(shard))
        if found < count:
            raise SystemExit(
                f"{self._results} has {found} images in its first shard: give --images {found} or less"
            )
        write_array(self._images, open_images(shard)[:count])
        table = read_parameters(self._results / f"parameters/{shard.stem}.csv")
        with sealed_path(self.sample.parameters[0]) as temporary:
            table[:count].to_csv(temporary, lineterminator="\n")


def blurs(count: int, side: int) -> np.ndarray:
    """Random smooth images, uint8 (count, side, side, 3); to a trunk, all noise looks the same."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 7, 7, 3), dtype=np.uint8)
    size = (side, side)
    return np.stack(
        [np.array(Image.fromarray(each).resize(size, Image.Resampling.BICUBIC)) for each in coarse]
    )


def report(text: str) -> None:
    """Say on stderr what goes on, so that stdout has the tables alone."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
