"""The configuration's keys: type, range, description and shipped value of each, once.

The checks, the wording of mistakes and the JSON schema for editors are all derived from here.
`python -m inverse_shading.config.schema` writes the JSON schema.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator, create_model
from pydantic.json_schema import GenerateJsonSchema

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
HEADER = "# Written by `make schema` from workflow/inverse_shading/config/schema.py; edit that.\n"


def key(description: str, shipped: Any = ..., **limits) -> Any:
    """A key that must be there.

    Args:
        description: one sentence.
        shipped: its value in config.yaml, which is laid under every user's file; nothing where the
            user chooses the names around it.
        limits: ge, gt, le, lt, pattern, min_length, as in `pydantic.Field`.
    """
    extra = {} if shipped is ... else {"default": shipped}
    return Field(description=description, json_schema_extra=extra, **limits)


def shipped(value: Any) -> Any:
    """The value in config.yaml of a key that is described elsewhere."""
    return Field(json_schema_extra={"default": value})


def optional(description: str, **limits) -> Any:
    """A key that may be left out."""
    return Field(default=None, description=description, **limits)


class Listed:
    """Bounds of a list's length and whether it may repeat itself, told beside its items' mistakes.

    Pydantic's own bounds stay unchecked where an item is wrong, and it knows no unique items.
    """

    def __init__(self, least: int, most: int | None = None, unique: bool = False):
        self.least, self.most, self.unique = least, most, unique

    def __get_pydantic_core_schema__(self, source, handler):
        return WrapValidator(self._check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema, handler):
        bounds = {"minItems": self.least, "maxItems": self.most, "uniqueItems": self.unique}
        return handler(schema) | {name: bound for name, bound in bounds.items() if bound}

    def _check(self, value, handler):
        errors = []
        try:
            value = handler(value)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        if isinstance(value, list) and not self._allowed(value):
            wrong = {"type": "value_error", "loc": (), "input": value}
            errors.append(wrong | {"ctx": {"error": ValueError("length or repetition")}})
        if errors:
            raise ValidationError.from_exception_data("list", errors)
        return value

    def _allowed(self, value: list) -> bool:
        alike = self.unique and any(item in value[:place] for place, item in enumerate(value))
        return self.least <= len(value) <= (self.most or len(value)) and not alike


class Section(BaseModel):
    """Unknown keys, text for numbers, infinities and NaN are mistakes."""

    # One build of the whole schema instead of one for each section too.
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
    )


Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Seed = Annotated[int, Field(description="Seed of a training.", ge=0, le=4294967295)]
GridSide = Annotated[int, Field(description="Side of the grid.", ge=1, le=224)]
EnvironmentFile = Annotated[
    str,
    key(
        "builtin, daylight, or the path of a latitude-longitude radiance map.",
        pattern=r"^builtin$|^daylight$|\.(hdr|HDR)$",
    ),
]
BatchSize = Annotated[int, key("Images a step.", 64, ge=1, le=4096)]
MaxEpochs = Annotated[int, key("Passes over the training images at most.", 30, ge=1, le=10000)]
LearningRate = Annotated[float, key("Peak learning rate of AdamW.", 0.001, gt=0, le=1)]
Schedule = Annotated[
    Literal["one_cycle", "cosine", "constant"],
    key("Course of the learning rate over max_epochs.", "one_cycle"),
]
WeightDecay = Annotated[
    float,
    key("Weight decay of AdamW, which multiplies it by the learning rate.", 0.0001, ge=0, le=1000),
]
Patience = Annotated[
    int,
    key("Epochs without a better validation MSE before training stops.", 15, ge=1, le=10000),
]
TrunkRate = Annotated[
    float,
    key("Learning rate of a trunk that is trained, as a share of the head's.", 0.1, gt=0, le=1),
]
Width = Annotated[int, Field(ge=1, le=65536)]
HiddenSizes = Annotated[list[Width], Listed(1, 16), key("Widths of the dense layers.", [512, 512])]
Dropout = Annotated[float, key("Probability of dropping.", ge=0, lt=1)]
Grid = Annotated[
    int,
    key(
        "Average-pool the map to grid x grid before it is flattened; 0 leaves it as it is.",
        ge=0,
        le=64,
    ),
]
Count = Annotated[int, key("Bins a parameter.", ge=2, le=65536)]


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
        "builtin, or the path of a mesh.",
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


class Framing(Section):
    """From the frame to the network's input."""

    image_size: int = key("Side of the network's input in pixels.", 224, ge=32, le=1024)
    margin: float = key(
        "Free border round the silhouette, as a share of its size.", 0.04, ge=0, le=1
    )
    filter: Literal["box", "bilinear", "hamming", "bicubic", "lanczos"] = key(
        "Resampling filter, antialiased.", "lanczos"
    )


class Split(Section):
    """Shares of each shard; they add up to 1."""

    train: float = key("Share that the weights are fitted on.", 0.65, gt=0, lt=1)
    validation: float = key("Share that checkpoints and settings are chosen on.", 0.15, gt=0, lt=1)
    test: float = key("Share that is only reported on.", 0.20, gt=0, lt=1)


class Trunk(Section):
    """A pretrained network up to its last convolution, or the image itself."""

    architecture: Literal["vgg16", "resnet50", "pixels"] = key("torchvision's network.")
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

    batch_size: int = key("Images at a time.", 8, ge=1, le=1024)
    precision: Literal["float32", "bfloat16"] = key(
        "Arithmetic of the trunks, bfloat16 only with trained weights.", "float32"
    )


class Training(Section):
    """How heads are trained, unless a model says otherwise."""

    batch_size: BatchSize
    max_epochs: MaxEpochs
    learning_rate: LearningRate
    schedule: Schedule
    weight_decay: WeightDecay
    patience: Patience
    trunk_rate: TrunkRate


TrainingOverrides = create_model(
    "TrainingOverrides",
    __base__=Section,
    __doc__="Overrides of the common training section.",
    **{name: (kind, None) for name, kind in Training.__annotations__.items()},
)


class DenseHead(Section):
    """Flatten, dense."""

    type: Literal["dense"]
    grid: Grid


class ConvHead(Section):
    """Convolution 3x3, ReLU, spatial dropout, flatten, dense."""

    type: Literal["conv"]
    channels: int = key("Filters of the convolution.", ge=1, le=4096)
    spatial_dropout: Dropout
    grid: Grid


class MlpHead(Section):
    """Average pool, [dense, ReLU, dropout] for each of hidden_sizes, batch norm, dense."""

    type: Literal["mlp"]
    hidden_sizes: HiddenSizes
    dropout: Dropout


class PerceptronHead(Section):
    """Principal components, [dense, GELU] for each of hidden_sizes, dense."""

    type: Literal["perceptron"]
    components: int = key("Principal components of the features to keep.", ge=1, le=65536)
    whitening: float = key("How far components are brought to one size; 0 not at all.", ge=0, le=1)
    hidden_sizes: HiddenSizes


class Regression(Section):
    """Sigmoid and mean squared error."""

    type: Literal["regression"]


class Canonical(Section):
    """Regression of what an image shows, such as base x base_color."""

    type: Literal["canonical"]


class Bins(Section):
    """Softmax over `count` bins a parameter and the poster's loss."""

    type: Literal["bins"]
    count: Count


class SoftBins(Section):
    """The same bins, cross-entropy to a Gaussian about the true value."""

    type: Literal["soft_bins"]
    count: Count
    deviation: float = key("Standard deviation of the target about the true value.", gt=0, le=1)


class Model(Section):
    """A trunk, a head and an objective."""

    like: str = optional("A model that this one takes over whatever it doesn't say itself.")
    images: int = optional(
        "Learn from the first so many images only; the test images stay the same.",
        ge=1,
        le=100000000,
    )
    trainable_stages: Annotated[int, Field(ge=0, le=5)] | Literal["all"] = optional(
        "How many of the trunk's last stages are trained, on images; 0 freezes it."
    )
    trunk: str = key("One of the names under trunks.")
    head: DenseHead | ConvHead | MlpHead | PerceptronHead = key(
        "The trained part between trunk and outputs.", discriminator="type"
    )
    objective: Regression | Canonical | Bins | SoftBins = key(
        "Outputs, loss and decoding.", discriminator="type"
    )
    training: TrainingOverrides = optional("Overrides of the common training section.")


class Study(Section):
    """Further models that answer one question."""

    models: dict[Name, Model | None] = key(
        "Models that its table has beside those of the comparison."
    )
    axis: Literal["images", "bins"] = optional(
        "What its models vary, for a figure of the error against it."
    )


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

    trials: int = key("Settings to try, each by a whole training.", 20, ge=1, le=10000)
    startup_trials: int = key(
        "Trials spread evenly over the space, before results guide the draws.", 8, ge=1, le=10000
    )
    prune: bool = key("Whether trials that fall behind the median are cut short.", True)
    warmup_epochs: int = key(
        "Epochs that every trial is given before it may be cut short.", 15, ge=0, le=10000
    )
    spaces: dict[str, Spaces] = key(
        "What to try, by model and then by key of the model, such as training.learning_rate."
    )


class Ridge(Section):
    """Ridge regression."""

    penalties: Annotated[list[Annotated[float, Field(gt=0, le=1000000000)]], Listed(1, 50)] = key(
        "Strengths of the L2 penalty to try.", [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
    )


class Perceptron(Section):
    """Multilayer perceptron on the thumbnail."""

    hidden_sizes: HiddenSizes
    batch_size: BatchSize
    max_epochs: MaxEpochs = shipped(40)
    learning_rate: LearningRate
    schedule: Schedule
    weight_decay: WeightDecay
    patience: Patience = shipped(40)


class Baselines(Section):
    """What the models are held against."""

    thumbnail_size: int = key(
        "Side of the thumbnails in pixels; divides framing.image_size.", 28, ge=4, le=128
    )
    ridge: Ridge
    perceptron: Perceptron


class Novel(Section):
    """A second light and view of the stage's object."""

    environment: EnvironmentFile = shipped("daylight")
    camera: NovelCamera


class Appearance(Section):
    """How what is predicted looks."""

    images: int = key("Test images whose predictions are rendered.", 100, ge=1, le=100000)
    novel: Novel


class Refinement(Section):
    """How a network's guess is corrected by rendering."""

    stride: int = key(
        "Every n-th pixel per side is rendered on the way to the solution.", 4, ge=1, le=16
    )
    step: float = key("Step of the finite differences.", 0.005, gt=0, le=0.1)
    tolerance: float = key(
        "Root mean square in levels of 255 above which another start is tried.",
        1.0,
        ge=0.1,
        le=50,
    )
    restarts: int = key("Starting points to try after the first.", 6, ge=0, le=50)
    interval: float = key("Share of truths that the intervals are to hold.", 0.8, ge=0.5, le=0.99)
    calibration_images: int = key(
        "Validation images that the widths of intervals are measured on.", 200, ge=2, le=100000
    )


class Predictions(Section):
    """Materials for images of the user's own."""

    folder: str = key("Where the images are.", "images", min_length=1)
    model: str = key("One of the models.", "best")
    refine: bool = key("Whether the model's guess is corrected by rendering.", True)
    alternatives: int = key("Further materials that look the same.", 0, ge=0, le=100)


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

    seed: int = key(
        "Root of the data's random draws and of the baselines'.", 1, ge=0, le=4294967295
    )
    seeds: Annotated[list[Seed], Listed(1, unique=True)] = key(
        "Of initial weights, batches and dropout, no two alike; every model is trained once for each.",
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
    threads: int = key("Threads of one job on the CPU.", 2, ge=1, le=64)
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
    predictions: Predictions
    figures: Figures
    published: list[PublishedRow] = key("Rows of a published table, shown for comparison.")


class _JsonSchema(GenerateJsonSchema):
    """Plain JSON schema: no titles, no default where a key is left out, names of keys checked."""

    def field_title_should_be_set(self, schema):
        return False

    def default_schema(self, schema):
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema):
        return {
            name: part for name, part in super().model_schema(schema).items() if name != "title"
        }

    def dict_schema(self, schema):
        result = super().dict_schema(schema)
        # A name that doesn't match would be allowed to hold anything.
        for pattern, values in result.pop("patternProperties", {}).items():
            result |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
        return result


def find_errors(section: type[Section], values: Any) -> list[dict]:
    """What is wrong with the values of a section, all of it, as pydantic tells it."""
    try:
        section.model_validate(_as_json(values))
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _as_json(value: Any) -> Any:
    """The same value with 3 for 3.0, one number in JSON schema, and with every key as text."""
    if isinstance(value, dict):
        return {str(name): _as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def variant(part: Literal["head", "objective"], kind: str) -> type[Section]:
    """The section of a model's head or objective of this type."""
    choices = get_args(Model.model_fields[part].annotation)
    return next(
        choice for choice in choices if get_args(choice.model_fields["type"].annotation) == (kind,)
    )


def json_schema(section: type[Section] = Configuration) -> dict:
    """The keys of a section as JSON schema, draft 2020-12."""
    schema = section.model_json_schema(schema_generator=_JsonSchema)
    return {"$schema": _JsonSchema.schema_dialect} | schema


def inlined_schema(section: type[Section] = Configuration) -> dict:
    """The same with its references filled in, so that a message can quote any part."""
    schema = json_schema(section)
    definitions = schema.pop("$defs", {})

    def fill(part):
        if isinstance(part, list):
            return [fill(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = definitions[part["$ref"].rpartition("/")[2]] | part
        return {name: fill(value) for name, value in part.items() if name != "$ref"}

    return fill(schema)


def schema_text() -> str:
    """What the file for editors holds."""
    flow = {"default_flow_style": None, "sort_keys": False, "allow_unicode": True, "width": 100}
    return HEADER + yaml.safe_dump(json_schema(), **flow)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
