"""Which of a trunk's stages are trained; light enough for the rules to ask."""

from inverse_shading.network.architectures import STAGE_CHANNELS


def first_trained_stage(architecture: str, trainable_stages: int) -> int:
    """Number of the first stage that is trained: 1 where all are, one too many where none is.

    Args:
        architecture: of the trunk, a key of `architectures.STAGE_CHANNELS`.
        trainable_stages: how many of its last stages are trained.
    """
    return len(STAGE_CHANNELS[architecture]) - trainable_stages + 1
