"""Small inputs of the report, made by hand: two models, five images that were refined, a flat world.

The renderer of that world takes the place of `Renderer` in `render.framed_frames` and in the page's
`stage_pictures`.
"""

import numpy as np
import pandas as pd

from inverse_shading.evaluation.comparison_table import ERRORS
from inverse_shading.evaluation.metrics import score, write_metrics
from inverse_shading.evaluation.views import Views
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import write_array, write_csv, write_tensors
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.stage_file import Stage, save_stage
from tests.support.tables import write_comparison, write_predictions

SIZE = 32
FRAMING = {"image_size": SIZE, "margin": 0.0, "filter": "box"}
SPLITS = ["train", "test", "test", "validation", "test", "test", "test", "train"]
TEST = [index for index, split in enumerate(SPLITS) if split == "test"]
REFINED = "good + refinement"
# Names are the users' own, and a page must not run them.
PUBLISHED = "Poster's <script>alert(1)</script>"

# FLIP of the test images by predictor; the novel one is ten times smaller and the other way round.
FLIP = {
    REFINED: [0.01, 0.02, 0.03, 0.04, 0.05],
    "good": [0.2, 0.1, 0.5, 0.3, 0.4],
    "other": [0.6, 0.7, 0.8, 0.9, 0.5],
}
# How bright the novel light is.
NOVEL_DIM = 0.5
RMS = [0.2, 0.3, 0.4, 0.5, 5.0]


def flat(values, size=SIZE):
    return np.full((size, size, 3), (np.asarray(values[1:4]) * 255).round(), np.uint8)


# The same for a browser, whose target encodes what is linear.
FLAT_ESSL = """#version 300 es
precision highp float;
uniform vec3 color;
out vec4 out1;
void main()
{
    vec3 power = pow((color + 0.055) / 1.055, vec3(2.4));
    out1 = vec4(mix(color / 12.92, power, vec3(greaterThan(color, vec3(0.04045)))), 1.0);
}
"""


class FlatRenderer:
    """Renders a frame of one colour, that of the material's base_color, all of it object."""

    driver = "none"
    used = ()

    def __init__(self, stage, device, threads):
        FlatRenderer.used = (stage, device, threads)
        self.dim = NOVEL_DIM if "novel" in str(stage) else 1
        self.mask = np.ones((2 * SIZE, 2 * SIZE), bool)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def render(self, values):
        assert ((values >= 0) & (values <= 1)).all()
        return flat(self.dim * values, 2 * SIZE)


def true_values():
    true = np.full((8, 10), 0.2)
    true[:, 1] = np.linspace(0.1, 0.8, 8)
    return true


def flat_stage():
    """A stage whose light is brighter from above, and whose object fills the frame."""
    side = 2 * SIZE
    return Stage(
        mask=np.ones((side, side), bool),
        surface=np.zeros((3, side * side, 3), np.float32),
        radiance=np.linspace(1, 0, 8, dtype=np.float32)[:, None, None] * np.ones((8, 16, 3), "f4"),
        irradiance=np.full((2, 4, 3), 0.5, np.float32),
        background=np.zeros((side, side, 3), np.uint8),
        view_position=np.zeros(3),
        environment_samples=4,
        pixel_stage="",
        essl_pixel_stage=FLAT_ESSL,
        uniforms={"color": (1, 2, 3)},
        materialx_version="1.0.0",
    )


def write_images(folder, **changes):
    """Write the images of the true materials; `Views` of them that render nowhere else."""
    true = true_values()
    paths = []
    for first in (0, 4):
        paths.append(folder / f"{first:06d}-{first + 3:06d}.npy")
        write_array(paths[-1], np.stack([flat(true[index]) for index in range(first, first + 4)]))
    stages = {name: folder / f"{name}.safetensors" for name in ("stage", "novel_stage")}
    novel = folder / "novel_images.safetensors"
    images = np.stack([flat(NOVEL_DIM * true[index]) for index in TEST])
    write_tensors(novel, {"images": images}, {"ids": [f"{index:09d}" for index in TEST]})
    for path in stages.values():
        save_stage(path, flat_stage())
    resources = Resources("cpu", 1)
    return Views(
        **{
            "images": paths,
            "framing": FRAMING,
            "resources": resources,
            "novel_images": novel,
            **stages,
        }
        | changes
    )


def write_inputs(folder):
    """Write every table and return the arguments of `data.read_report_data`."""
    true = true_values()
    identifiers = np.array([f"{index:09d}" for index in range(8)])
    predicted = {"other": np.clip(true + 0.3, 0, 1), "good": true + 0.05}
    # A model may overshoot.
    predicted["good"][5, 2] = 1.2
    rows = [
        {"model": "other", "source": "model", **dict.fromkeys(ERRORS, 0.04), "validation_mse": 0.5},
        {"model": "good", "source": "model", **dict.fromkeys(ERRORS, 0.02), "validation_mse": 0.4},
        {"model": "ridge", "source": "baseline", "test_mse": 0.03, "test_r2": 0.5},
        {"model": "floor", "source": "bound", "test_mse": 0.001},
        {"model": PUBLISHED, "source": "poster (published)", "test_mse": 0.002},
    ]
    rows[0]["test_r2"], rows[1]["test_r2"] = 0.3, 0.6
    write_comparison(folder / "comparison.csv", rows)
    for model, values in predicted.items():
        write_predictions(folder / f"{model}.csv", true, values, SPLITS)
        write_appearance(folder / f"{model}_appearance.csv", identifiers[TEST], FLIP[model])

    truth, means = true[TEST], true[TEST] + 0.01
    materials = truth.copy()
    materials[:, 0] = 0.9
    for name, values in (("predictions", means), ("materials", materials)):
        path = folder / f"refined_{name}.csv"
        write_predictions(path, truth, values, identifiers=identifiers[TEST])
    write_appearance(folder / "refined_appearance.csv", identifiers[TEST], FLIP[REFINED])
    write_intervals(folder / "refined_intervals.csv", identifiers[TEST], truth)
    metrics = {
        "model": REFINED,
        "refined": "good",
        "interval": 0.8,
        "splits": {"test": score(truth, means)},
    }
    write_metrics(folder / "refined_metrics.json", metrics)
    names = ("predictions", "materials", "intervals", "appearance")
    return {
        "table": folder / "comparison.csv",
        "predictions": {model: folder / f"{model}.csv" for model in predicted},
        "refined": {name: folder / f"refined_{name}.csv" for name in names}
        | {"metrics": folder / "refined_metrics.json"},
        "appearance": {model: folder / f"{model}_appearance.csv" for model in predicted},
    }


def write_appearance(path, identifiers, flip):
    table = pd.DataFrame({"id": identifiers, "rms": RMS, "psnr": 40.0, "ssim": 0.9, "flip": flip})
    table = table.assign(novel_rms=1.0, novel_psnr=40.0, novel_ssim=0.9)
    write_csv(path, table.assign(novel_flip=(1 - table["flip"]) / 10))


def write_intervals(path, identifiers, truth, **changes):
    """Every truth lies inside but Base's of two images; three inputs have a reason."""
    low, high = truth - 0.1, truth + 0.1
    low[:2, 0], high[:2, 0] = 0.5, 0.6
    reasons = np.full(truth.shape, "", object)
    reasons[:, 0] = "product"
    reasons[3:, 1] = "dark"
    # The widest is of an image whose render is not the same: it can't be an example.
    high[4, 0] = 1.0
    high[2, 0] = 0.8
    table = pd.DataFrame({"id": identifiers})
    for index, name in enumerate(PARAMETERS):
        table[f"{name}_low"], table[f"{name}_high"] = low[:, index], high[:, index]
        table[f"{name}_undetermined"] = reasons[:, index]
    table = table.assign(rms=0.3, renders=100, guess_rms=2.0, **changes)
    write_csv(path, table)
