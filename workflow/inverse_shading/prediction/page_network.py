"""A model as numbers that a page carries: average pools of the image, then dense layers."""

import base64
import zlib

import numpy as np
import torch
from torch import nn

from inverse_shading.network.architectures import IMAGE, RADIANCE, sort_depths
from inverse_shading.network.heads import Head
from inverse_shading.network.objectives import canonical
from inverse_shading.network.whole_network import load_network
from inverse_shading.prediction.model_card import ModelCard
from inverse_shading.prediction.model_files import ModelFiles
from inverse_shading.runtime.errors import InputError

DEPTHS = (IMAGE, RADIANCE)
OBJECTIVES = ("regression", "canonical", "canonical_quantiles")

# Weights are rounded to whole numbers up to these. Some components are small differences of large
# numbers: of all weights with 16 bits the answers of pixel_components are off by up to 0.002, with half
# floats by 0.004. What is learnt takes fewer; a page that carries `streamed` then has less than 6 MB.
COMPONENT, LEARNT = 2**18 - 1, 2**15 - 1


def pack_network(files: ModelFiles, card: ModelCard) -> dict:
    """A model as `network.js` reads it: what JSON can hold, its numbers deflated, in base64.

    What is measured and what is learnt become dense layers alike. Their weights are rounded to
    whole numbers, each output's in units of its largest. The means that components are taken about
    are multiplied by the rounded weights, so that an average image stays one.

    Raises:
        InputError: the model's files are damaged, or it isn't a perceptron on pixels.
    """
    network, description = load_network(files.weights)
    depths, objective = card.depths or {}, description["objective"]["type"]
    layers = _dense_layers(network) if isinstance(network, Head) else None
    if not depths or not set(depths) <= set(DEPTHS) or objective not in OBJECTIVES or not layers:
        raise InputError(
            f"{files.weights}: found the model {card.model}, which a page can't carry, expected a head "
            f"perceptron with an objective of {', '.join(OBJECTIVES)} on the depths "
            f"{' and '.join(DEPTHS)} of the trunk pixels. Give such a model, as pixel_components and "
            "streamed are, or leave --model out and give --stage."
        )
    packed = b"".join(part for _, part in layers)
    return {
        "size": card.framing.image_size,
        "depths": sort_depths(card.architecture, depths),
        "objective": objective,
        "black": canonical.BLACK,
        "layers": [layer for layer, _ in layers],
        "packed": base64.b64encode(zlib.compress(packed, 9)).decode(),
    }


def _dense_layers(head: Head) -> list[tuple[dict, bytes]] | None:
    """The head's layers, each with its numbers; None if one is neither dense nor measured."""
    layers = []
    if head.components is not None:
        layers.append(_layer(head.components.basis.T, head.components.mean, None, False, COMPONENT))
    # Of the next dense layer's inputs.
    mean, factor = None, 1.0
    modules = list(head.trained)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        match module:
            case nn.Linear():
                gelu = isinstance(following, nn.GELU)
                layers.append(_layer(module.weight * factor, mean, module.bias, gelu, LEARNT))
                mean, factor = None, 1.0
            case nn.GELU() | nn.Flatten():
                pass
            case _ if module is head.standardise:
                mean, factor = module.mean.flatten(), module.factor
            case _:
                return None
    return layers if head.pooling is None else None


def _layer(
    weights: torch.Tensor,
    mean: torch.Tensor | None,
    bias: torch.Tensor | None,
    gelu: bool,
    largest: int,
) -> tuple[dict, bytes]:
    """weights (outputs, inputs) · (x − mean) + bias: what it is, and its numbers as `network.js` reads
    them, the weights as whole numbers up to `largest`."""
    weights = weights.detach().numpy().astype(np.float64)
    scales = (np.abs(weights).max(axis=1) / largest).astype(np.float32)
    scales[scales == 0] = 1
    whole = np.rint(weights / scales[:, None]).clip(-largest, largest)
    start = np.zeros(len(weights)) if bias is None else bias.detach().numpy().astype(np.float64)
    if mean is not None:
        start = start - (whole * scales[:, None]) @ mean.numpy()
    # The sign is the lowest bit, so that small numbers of either sign have upper bytes of zeros. Lower
    # bytes first, which look like noise, then the others, which deflate well.
    whole = whole.astype(np.int32)
    signed = ((whole << 1) ^ (whole >> 31)).astype("<i4")
    planes = np.ascontiguousarray(signed).view(np.uint8).reshape(-1, 4)[:, :3].T
    numbers = start.astype("<f4").tobytes() + scales.astype("<f4").tobytes() + planes.tobytes()
    return {"inputs": weights.shape[1], "outputs": len(weights), "gelu": gelu}, numbers
