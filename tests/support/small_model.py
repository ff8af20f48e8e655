"""Results of a workflow with one small model, trained on synthetic images, for tests of its use."""

from dataclasses import replace

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.inversion.calibration import UNCALIBRATED, write_calibration
from inverse_shading.network.architectures import depth_sizes
from inverse_shading.network.features import extract_features
from inverse_shading.network.stage_outputs import extract_stage_outputs
from inverse_shading.network.trained_stages import first_trained_stage
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.prediction.model_card import CARD, write_model_card
from inverse_shading.runtime.files import write_sealed_text
from inverse_shading.training.seeds import COPIED, collect_seeds
from tests.support.model_cards import REFINEMENT
from tests.support.synthetic import SyntheticData, model_config
from tests.support.trainings import CPU, FILES, evaluate, train

DEPTHS = {"image": 4, "radiance": 2}
PERCEPTRON = {
    "type": "perceptron",
    "components": 8,
    "whitening": 0.4,
    "hidden_sizes": [16],
    "blocks": depth_sizes("pixels", DEPTHS),
}
# What an objective is told beside its type.
OBJECTIVES = {
    "bins": {"count": 11, "decoding": "argmax"},
    "canonical_quantiles": {"level": 0.8, "weight": 0.2},
}
FRAMING = {"image_size": 32, "margin": 0.04, "filter": "lanczos"}


class SmallModel:
    """A results folder with the model `tested` of one seed, its trunk and a stage.

    Args:
        results: the folder to make.
        architecture: of the trunk.
        depths: that features are taken from.
        head, objective, stages: of the model; some stages of its trunk stay frozen.
    """

    def __init__(
        self,
        results,
        architecture="pixels",
        depths=DEPTHS,
        head=PERCEPTRON,
        objective="regression",
        stages=0,
    ):
        data = self.data = SyntheticData(
            results / "data", n_images=40, shard_size=20, image_side=FRAMING["image_size"]
        )
        self.results, self.folder = results, results / "models" / "tested"
        self.trunk = results / "trunks" / f"{architecture}.safetensors"
        self.stage = results / "stage.safetensors"
        self.calibration = results / "calibration.json"
        write_sealed_text(self.stage, "the stage")
        # Of seven images, so that a card's is told from none.
        write_calibration(self.calibration, replace(UNCALIBRATED, images=7))
        prepare_trunk(
            self.trunk,
            {
                "architecture": architecture,
                "weights": "random" if architecture != "pixels" else "none",
                "seed": 1,
                "batch_size": 16,
            },
            data.images[0],
            data.splits[0],
        )
        network = {"architecture": architecture, "batch_size": 16, "precision": "float32"}
        if depths:
            network["depths"] = depths
        inputs = [results / "features" / path.name for path in data.images]
        extract = extract_features
        if stages:
            extract = extract_stage_outputs
            network["first_trained"] = first_trained_stage(architecture, stages)
        for features, images in zip(inputs, data.images, strict=True):
            extract(features, self.trunk, images, network, CPU)
        kind = {"type": objective} | OBJECTIVES.get(objective, {})
        config = model_config(head, kind, max_epochs=1) | {"architecture": architecture}
        if stages:
            config["trainable_stages"] = stages
            config["training"] |= {"trunk_rate": 0.1, "trunk_decay": 0.01}
        own = self.folder / "seeds" / "3"
        files = DataFiles(inputs, data.parameters, data.splits)
        train(files, own, config, self.trunk if stages else None)
        evaluate(files, own, config, self.trunk)
        outputs = {name: self.folder / FILES[name] for name in (*COPIED, "metrics")}
        collect_seeds(outputs, {name: [own / file] for name, file in FILES.items()}, [3])
        self.config = {
            "model": "tested",
            "trunk": architecture,
            "architecture": architecture,
            "depths": depths,
            "trainable_stages": stages,
            "precision": "float32",
            "batch_size": 16,
            "framing": FRAMING,
            "refinement": REFINEMENT,
        }
        self.describe()

    def describe(self):
        """Write the card, as after a change."""
        write_model_card(
            self.folder / CARD,
            self.config,
            weights=self.folder / "weights.safetensors",
            metrics=self.folder / "metrics.json",
            predictions=self.folder / "predictions.csv",
            trunk=self.trunk,
            stage=self.stage,
            calibration=self.calibration,
        )
