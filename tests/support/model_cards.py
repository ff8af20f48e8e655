"""What a model's card holds, for tests that need one without the model."""

from dataclasses import asdict

from inverse_shading.inversion.calibration import UNCALIBRATED

REFINEMENT = {
    "stride": 4,
    "step": 0.005,
    "tolerance": 1.0,
    "restarts": 0,
    "interval": 0.8,
    "calibration_images": 2,
    "doubtful": 0.01,
    "denied": 0.001,
    "misfit_scale": 25.0,
    "misfit_margin": 0.1,
}

# What the configuration says of a model and of its use.
CONFIG = {
    "model": "tested",
    "trunk": "small",
    "architecture": "pixels",
    "depths": {"image": 4},
    "trainable_stages": 0,
    "precision": "float32",
    "batch_size": 8,
    "framing": {"image_size": 32, "margin": 0.04, "filter": "box"},
    "refinement": REFINEMENT,
}

# A whole card, but for its format.
CONTENT = CONFIG | {
    "version": "0.0.0",
    "threads": 1,
    "calibration": asdict(UNCALIBRATED),
    "checksums": dict.fromkeys(("weights", "predictions", "trunk", "stage"), "0" * 64),
}
