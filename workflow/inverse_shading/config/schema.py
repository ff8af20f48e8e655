"""The configuration's keys: type, range, description and shipped value of each, once.

The checks, the wording of mistakes and the JSON schema for editors are all derived from here.
`python -m inverse_shading.config.schema` writes the JSON schema.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import ConfigDict, Field, create_model

from inverse_shading.export.settings import Exports, TargetName
from inverse_shading.inversion.settings import Refinement
from inverse_shading.network.settings import (
    Architecture,
    BatchSize,
    ConvHead,
    DenseHead,
    FeatureBatch,
    GridSide,
    ImageSize,
    MaxEpochs,
    MlpHead,
    ObjectiveSection,
    PerceptronHead,
    Precision,
    Threads,
    TrainableStages,
)
from inverse_shading.pictures.settings import Placement
from inverse_shading.render.settings import Framing
from inverse_shading.runtime.sections import (
    Listed,
    Name,
    Section,
    json_schema,
    key,
    optional,
    shipped,
)

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
HEADER = "# Written by `make schema` from workflow/inverse_shading/config/schema.py; edit that.\n"


Seed = Annotated[int, Field(description="Seed of a training.", ge=0, le=4294967295)]
Seeds = Annotated[list[Seed], Listed(1, 1000, unique=True)]
EnvironmentFile = Annotated[
    str,
    key(
        "builtin, daylight, or the path of a latitude-longitude radiance map (.hdr or .exr).",
        pattern=r"^builtin$|^daylight$|\.(hdr|exr|HDR|EXR)$",
    ),
]
LearningRate = Annotated[float, key("Peak learning rate of AdamW.", 0.001, gt=0, le=1)]
Schedule = Annotated[
    Literal["one_cycle", "cosine", "constant"],
    key("Course of the learning rate over max_epochs.", "one_cycle"),
]
WeightDecay = Annotated[
    float,
    key("Weight decay of AdamW, which multiplies it by the learning rate.", 0.0001, ge=0, le=1000),
]
TrunkRate = Annotated[
    float,
    key("Learning rate of a trunk that is trained, as a share of the head's.", 0.1, gt=0, le=1),
]
TrunkDecay = Annotated[
    float,
    key(
        "Weight decay of a trunk that is trained, multiplied by its learning rate.",
        0.01,
        ge=0,
        le=1000,
    ),
]


class Camera(Section):
    """Perspective camera that looks at the centre of the mesh."""

    azimuth: float = key(
        "Degrees about the vertical axis; 0 looks at the front (+z).", 0.0, ge=-180, le=180
    )
    elevation: float = key("Degrees above the horizon.", 20.0, ge=-89, le=89)
    field_of_view: float = key("Vertical opening in degrees.", 25.0, ge=1, le=120)
    fill: float = key(
        "Share of the frame that the mesh's bounding sphere takes.", 0.95, ge=0.1, le=1
    )


class NovelCamera(Camera):
    """Perspective camera that looks at the centre of the mesh."""

    azimuth: float = key(
        "Degrees about the vertical axis; 0 looks at the front (+z).", 40.0, ge=-180, le=180
    )
    elevation: float = key("Degrees above the horizon.", 35.0, ge=-89, le=89)


class Stage(Section):
    """The object, its light and the view."""

    mesh: str = key(
        "builtin, or the path of a mesh (.obj, .glb or .gltf).",
        "builtin",
        pattern=r"^builtin$|\.(obj|glb|gltf|OBJ|GLB|GLTF)$",
    )
    environment: EnvironmentFile = shipped("builtin")
    camera: Camera
    background: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Listed(3, 3)] = key(
        "Colour of the backdrop, sRGB-encoded.", [0.42, 0.43, 0.45]
    )


class Render(Section):
    """How a frame is rendered."""

    frame_size: int = key("Side of the square frame in pixels.", 448, ge=32, le=4096)
    environment_samples: int = key(
        "Directions sampled of the environment's reflection per pixel.", 16, ge=1, le=1024
    )
    device: Literal["auto", "cpu"] | Annotated[int, Field(ge=0, le=63)] = key(
        "auto, cpu (Mesa's llvmpipe), or the number of an EGL device.", "auto"
    )


class Split(Section):
    """Shares of each shard; they add up to 1."""

    train: float = key("Share that the weights are fitted on.", 0.65, gt=0, lt=1)
    validation: float = key("Share that checkpoints and settings are chosen on.", 0.15, gt=0, lt=1)
    test: float = key("Share that is only reported on.", 0.20, gt=0, lt=1)


class Trunk(Section):
    """A pretrained network up to its last convolution, or the image itself."""

    architecture: Architecture
    weights: str = key(
        "imagenet, random, the path of a state dict, or none where there is no network.",
        "imagenet",
        pattern=r"^imagenet$|^random$|^none$|\.(pth|safetensors)$",
    )
    depths: dict[str, GridSide] = optional(
        "Sides of the grids that several depths are averaged to, by depth; instead of the last map.",
        min_length=1,
    )


class Features(Section):
    """How the frozen trunks are run."""

    batch_size: FeatureBatch
    precision: Precision


class Training(Section):
    """How heads are trained, unless a model says otherwise."""

    batch_size: BatchSize
    max_epochs: MaxEpochs
    learning_rate: LearningRate
    schedule: Schedule
    weight_decay: WeightDecay
    trunk_rate: TrunkRate
    trunk_decay: TrunkDecay


# Keys of `Training` that only a model with trained stages has.
TRUNK_SETTINGS = ("trunk_rate", "trunk_decay")

TrainingOverrides = create_model(
    "TrainingOverrides",
    __base__=Section,
    __doc__="Overrides of the common training section.",
    **{name: (kind, None) for name, kind in Training.__annotations__.items()},
)


class Stream(Section):
    """Materials that a model learns from which are rendered for it and not stored."""

    renders: int = key("How many are rendered, at a few pixels each.", ge=100, le=10000000)
    framed: int = key(
        "How many more are rendered whole, to learn how a picture's means differ from those pixels.",
        ge=20,
        le=100000,
    )
    cells: int = key("Pixels of each that is streamed.", ge=10, le=100000)


class Model(Section):
    """A trunk, a head and an objective."""

    like: str = optional(
        "A model from which this one takes whatever it doesn't say itself, except seeds."
    )
    images: int = optional(
        "Learn from the first so many images only; the test images stay the same.",
        ge=1,
        le=100000000,
    )
    trainable_stages: TrainableStages | Literal["all"] = optional(
        "How many of the trunk's last stages are trained with the head; 0 freezes it."
    )
    image_size: ImageSize = optional(
        "Side in pixels that images are averaged down to where all stages are trained."
    )
    stream: Stream = optional("Learn from renders made for it in place of the data set's images.")
    seeds: Seeds = optional(
        "Of its own trainings, no two alike; those of its study or of all models if not given."
    )
    trunk: str = key("One of the names under trunks.")
    head: DenseHead | ConvHead | MlpHead | PerceptronHead = key(
        "The trained part between trunk and outputs.", discriminator="type"
    )
    objective: ObjectiveSection
    training: TrainingOverrides = optional("Overrides of the common training section.")


class Study(Section):
    """Further models that answer one question."""

    models: dict[Name, Model | None] = key(
        "Models that its table has beside those of the comparison."
    )
    axis: Literal["images", "bins"] = optional(
        "What its models vary, for a figure of the error against it."
    )
    seeds: Seeds = optional("Of its models, no two alike; those of all models if not given.")


class Space(Section):
    """Values to try, a range or choices; null takes away what a file below says."""

    low: float | None = optional("Lowest value.")
    high: float | None = optional("Highest value.")
    scale: Literal["linear", "log"] | None = optional(
        "Whether values or their logarithms are drawn evenly; linear if not given."
    )
    kind: Literal["number", "integer"] | None = optional("Kind of number; number if not given.")
    choices: Annotated[list[Any], Listed(2, 100, unique=True)] | None = optional(
        "Values to choose from, instead of a range."
    )


Spaces = Annotated[
    dict[
        str,
        Annotated[
            Space | None,
            Field(description="Values to try, a range or choices; null leaves the key as it is."),
        ],
    ]
    | None,
    Field(description="What to try by key; null searches nothing."),
]


class Search(Section):
    """Hyper-parameter tuning of a model, on validation images."""

    apply: bool = key("Whether models are trained with the values that their search found.", False)
    trials: int = key(
        "Settings to try for each model, each by a whole training.", 8, ge=1, le=10000
    )
    images: int = optional(
        "Learn from the first so many images only, or from all where there are fewer.",
        ge=1,
        le=100000000,
    )
    startup_trials: int = key(
        "Trials spread evenly over the space, before results guide the draws.", 8, ge=1, le=10000
    )
    prune: bool = key("Whether trials that fall behind the median are cut short.", False)
    warmup_epochs: int = key(
        "Epochs that every trial is given before it may be cut short.", 15, ge=0, le=10000
    )
    spaces: dict[str, Spaces] = key(
        "What to try, by model and then by key of the model, such as training.learning_rate."
    )


class Ridge(Section):
    """Ridge regression."""

    penalties: Annotated[list[Annotated[float, Field(gt=0, le=1000000000)]], Listed(1, 50)] = key(
        "Strengths of the L2 penalty to try.", [1.0e-5, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
    )


class Baselines(Section):
    """What the models are held against."""

    thumbnail_size: int = key(
        "Side of the thumbnails in pixels; divides framing.image_size.", 28, ge=4, le=128
    )
    ridge: Ridge


class Novel(Section):
    """A second light and view of the stage's object."""

    environment: EnvironmentFile = shipped("daylight")
    camera: NovelCamera


class Appearance(Section):
    """How what is predicted looks."""

    images: int = key("Test images whose predictions are rendered.", 100, ge=1, le=100000)
    novel: Novel


class Predictions(Section):
    """Materials for images of the user's own."""

    folder: str = key("Where the images are.", "images", min_length=1)
    model: str | None = key("One of the models; null for refinement without one.", "streamed")
    refine: bool = key("Whether the model's guess is corrected by rendering.", True)
    alternatives: int = key("Further materials that look the same.", 0, ge=0, le=100)
    to: Annotated[list[TargetName], Listed(0, unique=True)] = key(
        "Other platforms that each material is written for.", []
    )
    placement: Placement


class Figures(Section):
    """How much the figures show."""

    example_images: int = key("Images in the picture of the data set.", 40, ge=1, le=400)
    gallery_images: int = key("Test images in the poster's figure.", 8, ge=1, le=64)
    report_images: int = key("Test images in the report's gallery.", 24, ge=1, le=200)


class PublishedRow(Section):
    """A row of a published table."""

    model: str = key("Name as published.", min_length=1)
    train_mse: float = key("Mean squared error on the training images.", ge=0, le=1)
    train_mae: float = key("Mean absolute error on the training images.", ge=0, le=1)
    test_mse: float = key("Mean squared error on the test images.", ge=0, le=1)
    test_mae: float = key("Mean absolute error on the test images.", ge=0, le=1)


class Configuration(Section):
    """Configuration of the inverse shading workflow."""

    model_config = ConfigDict(defer_build=False)

    seed: int = key("Root of the random draws of data and searches.", 1, ge=0, le=4294967295)
    seeds: Seeds = key(
        "Of initial weights, batches and dropout, no two alike; every model is trained once for each, "
        "unless it or its study has seeds of its own.",
        [1],
    )
    n_images: int = key(
        "Size of the data set, a multiple of shard_size.", 10000, ge=20, le=100000000
    )
    shard_size: int = key(
        "Images a shard; the split must divide it exactly.", 500, ge=20, le=100000
    )
    stage: Stage
    render: Render
    framing: Framing
    split: Split
    trunks: dict[Name, Trunk] = key("Pretrained networks up to their last convolution, by name.")
    features: Features
    device: Literal["auto", "cpu", "cuda"] = key("Where networks run.", "auto")
    threads: Threads
    training: Training
    checkpoint_seconds: float = key(
        "Seconds from one checkpoint of a training to the next.", 60, ge=0, le=86400
    )
    models: dict[Name, Model | None] = key("Models by name; null leaves one out.")
    studies: dict[Name, Study | None] = key(
        "Further models by the question that they answer, each with a table of its own."
    )
    search: Search
    baselines: Baselines
    appearance: Appearance
    refinement: Refinement
    export: Exports
    predictions: Predictions
    figures: Figures
    published: list[PublishedRow] = key("Rows of a published table, shown for comparison.")


def variant(part: Literal["head", "objective"], kind: str) -> type[Section]:
    """The section of a model's head or objective of this type."""
    choices = get_args(Model.model_fields[part].annotation)
    return next(
        choice for choice in choices if get_args(choice.model_fields["type"].annotation) == (kind,)
    )


def schema_text() -> str:
    """What the file for editors holds."""
    flow = {"default_flow_style": None, "sort_keys": False, "allow_unicode": True, "width": 100}
    return HEADER + yaml.safe_dump(json_schema(Configuration), **flow)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
