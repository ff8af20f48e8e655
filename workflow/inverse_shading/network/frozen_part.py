"""A trunk cut in two: the part that stays as it is, and the part that is trained."""

from torch import nn

from inverse_shading.network.trunks import trunk_stages


def cut_trunk(
    trunk: nn.Sequential, architecture: str, first_trained: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a trunk before the first layer that is trained.

    Leading layers without weights go to the frozen part, so that what is kept of it is small: VGG16's
    stages begin with a max-pool.

    Args:
        trunk: as built by `trunks.build_trunk`.
        architecture: of the trunk.
        first_trained: number of the first stage that is trained, from 1.

    Returns:
        The frozen part, empty for `first_trained` 1, and the trained part; the weights are the trunk's.
    """
    stages = trunk_stages(trunk, architecture)
    frozen = [layer for stage in stages[: first_trained - 1] for layer in stage]
    trained = [layer for stage in stages[first_trained - 1 :] for layer in stage]
    while not any(True for _ in trained[0].parameters()):
        frozen.append(trained.pop(0))
    return nn.Sequential(*frozen), nn.Sequential(*trained)
