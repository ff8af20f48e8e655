"""What trunks are made of, stage by stage; light enough for the rules to ask.

A stage is what a network does at one resolution. Stage 1 is the finest. The stages of VGG16 are its
five blocks of convolutions (Simonyan and Zisserman 2015, table 1, column D); those of ResNet50 its
first convolution and its four groups of residual blocks (He et al. 2016, table 1). `pixels` is no
network: the image itself.
"""

from collections.abc import Mapping

# Channels of what each stage gives out.
STAGE_CHANNELS = {
    "vgg16": (64, 128, 256, 512, 512),
    "resnet50": (64, 256, 512, 1024, 2048),
    "pixels": (),
}

# The others need no images to draw random weights: nothing is measured for them.
WITH_BATCH_NORMS = {"resnet50"}

# The image as it is encoded (sRGB), and decoded to linear radiance: depths before any stage.
IMAGE, RADIANCE = "image", "radiance"


def depth_channels(architecture: str) -> dict[str, int]:
    """Channels of every depth that features can be taken from, by its name."""
    stages = STAGE_CHANNELS[architecture]
    named = {f"stage_{number}": channels for number, channels in enumerate(stages, start=1)}
    return {IMAGE: 3, RADIANCE: 3} | named


def depth_sizes(architecture: str, depths: Mapping[str, int]) -> list[int]:
    """Values an image of each depth.

    Args:
        architecture: a key of STAGE_CHANNELS.
        depths: side of the grid that each is averaged to, by its name.
    """
    channels = depth_channels(architecture)
    return [channels[name] * grid**2 for name, grid in sort_depths(architecture, depths)]


def sort_depths(architecture: str, depths: Mapping[str, int]) -> list[tuple[str, int]]:
    """Depths and their grids in the order in which their features stand, the image's first."""
    return [(name, depths[name]) for name in depth_channels(architecture) if name in depths]
