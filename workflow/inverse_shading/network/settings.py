"""The configuration's keys of networks, which a model's card and its weights repeat."""

from typing import Annotated, Literal

from pydantic import Field

from inverse_shading.runtime.sections import Listed, Section, key, optional

Architecture = Annotated[Literal["vgg16", "resnet50", "pixels"], key("torchvision's network.")]
GridSide = Annotated[int, Field(description="Side of the grid.", ge=1, le=224)]
TrainableStages = Annotated[int, Field(ge=0, le=5)]
ImageSize = Annotated[int, Field(ge=32, le=1024)]
Precision = Annotated[
    Literal["float32", "bfloat16"],
    key("Arithmetic of the trunks, bfloat16 only with trained weights.", "float32"),
]
FeatureBatch = Annotated[int, key("Images at a time.", 8, ge=1, le=1024)]
Threads = Annotated[int, key("Threads of one job on the CPU.", 2, ge=1, le=64)]
BatchSize = Annotated[int, key("Images a step.", 64, ge=1, le=4096)]
MaxEpochs = Annotated[int, key("Passes over the training images.", 30, ge=1, le=10000)]
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
Decoding = Annotated[
    Literal["argmax", "expected"],
    key("How bins become a number: the likeliest bin's, or the mean of all, by probability."),
]


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
    """Principal components or all features, [dense, GELU] for each of hidden_sizes, dense."""

    type: Literal["perceptron"]
    components: int = key(
        "Principal components of the features to keep; 0 takes all features, standardised.",
        ge=0,
        le=65536,
    )
    whitening: float = key(
        "How far components are brought to one size; 0 not at all, as where there are none.",
        ge=0,
        le=1,
    )
    hidden_sizes: HiddenSizes


class Regression(Section):
    """Sigmoid and mean squared error."""

    type: Literal["regression"]


class Canonical(Section):
    """Regression of what an image shows, such as base x base_color."""

    type: Literal["canonical"]


class CanonicalQuantiles(Section):
    """The same, and the ends of an interval for each parameter, by the pinball loss."""

    type: Literal["canonical_quantiles"]
    level: float = key("Probability that a value lies between its ends.", ge=0.5, le=0.99)
    weight: float = key("Of the pinball loss beside the regression's.", gt=0, le=100)


class Bins(Section):
    """Softmax over `count` bins a parameter and the poster's loss."""

    type: Literal["bins"]
    count: Count
    decoding: Decoding


class PlainBins(Section):
    """The same bins, plain cross-entropy to the true one."""

    type: Literal["plain_bins"]
    count: Count
    decoding: Decoding


class SoftBins(Section):
    """The same bins, cross-entropy to a Gaussian about the true value."""

    type: Literal["soft_bins"]
    # Of every pair of bins there is a number in memory.
    count: Annotated[int, key("Bins a parameter.", ge=2, le=4096)]
    decoding: Decoding
    deviation: float = key("Standard deviation of the target about the true value.", gt=0, le=1)


ObjectiveSection = Annotated[
    Regression | Canonical | CanonicalQuantiles | Bins | PlainBins | SoftBins,
    key("Outputs, loss and decoding.", discriminator="type"),
]


class FittedPerceptronHead(PerceptronHead):
    """A perceptron head beside its weights, which knows what it takes."""

    blocks: Annotated[list[Annotated[int, Field(ge=1)]], Listed(1, 16)] = key(
        "Values of each depth."
    )


class HeadDescription(Section):
    """What a file of a head's weights says of them."""

    architecture: Architecture
    feature_shape: Annotated[list[Annotated[int, Field(ge=1)]], Listed(3, 3)] = key(
        "Channels, height and width of the trunk's features."
    )
    head: DenseHead | ConvHead | MlpHead | FittedPerceptronHead = key(
        "The trained part between trunk and outputs.", discriminator="type"
    )
    objective: ObjectiveSection
    outputs: int = key("Of the head.", ge=1)


class NetworkDescription(HeadDescription):
    """What a file of a whole network's weights says of them."""

    trainable_stages: Annotated[TrainableStages, Field(ge=1)] = key(
        "Of the trunk, trained with the head."
    )
    precision: Precision
    image_size: ImageSize = optional("Side in pixels that images are averaged down to.")
