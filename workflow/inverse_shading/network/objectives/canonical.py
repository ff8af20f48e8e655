"""Regression of what an image shows, the products of weight and colour, and not of their factors.

`base` and `base_color` are visible as their products alone (see `products`), so a network that is
taught the factors is taught noise. This objective's targets are the products, which an image
determines, and the factors of the reflection, which it determines in part; the factors of the base
are their posterior means given the predicted products.
"""

import torch
from torch import nn

from inverse_shading.material.parameters import BASE, BASE_COLOR, PARAMETERS
from inverse_shading.material.products import (
    base_products,
    expected_base,
    expected_inverse_base,
    specular_products,
)
from inverse_shading.runtime.errors import InputError

# Regressed as they are.
DIRECT = [i for i in range(len(PARAMETERS)) if i not in (BASE, *BASE_COLOR)]

# A base this dark is black in eight bits, and says nothing of its colour.
BLACK = 1e-4


class Canonical:
    """Products of the base, the other six parameters, products of the reflection; all sigmoids.

    The products of specular and specular_color are not decoded: learning them too shapes the layers
    before, since for a metal they are all that an image shows.
    """

    outputs = 3 + len(DIRECT) + 3

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over images and outputs of (sigmoid(output) − canonical target)²."""
        return nn.functional.mse_loss(outputs.sigmoid(), canonical_targets(targets))

    def decode(self, outputs: torch.Tensor) -> torch.Tensor:
        """The six parameters as predicted, base and base_color as posterior means."""
        predicted = outputs.sigmoid()
        values = predicted.new_empty(len(predicted), len(PARAMETERS))
        base, color = posterior_means(predicted[:, :3])
        values[:, BASE] = base
        values[:, BASE_COLOR] = color
        values[:, DIRECT] = predicted[:, 3 : 3 + len(DIRECT)]
        return values


def canonical_targets(values: torch.Tensor) -> torch.Tensor:
    """Parameters (n, 10) to base · base_color (3), the other parameters (6), specular products (3)."""
    return torch.cat([base_products(values), values[:, DIRECT], specular_products(values)], dim=1)


def posterior_means(products: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Means of base (n,) and base_color (n, 3) given their products (n, 3); see `products`."""
    largest = products.amax(dim=1).clamp(min=BLACK)
    inverse = expected_inverse_base(largest)
    return expected_base(largest), (products * inverse.unsqueeze(1)).clamp(0, 1)


def build(config: dict, parameters: int) -> Canonical:
    """Build the objective; the config has no more to say than its type.

    Raises:
        InputError: it is for the ten parameters only, whose meaning it knows.
    """
    if parameters != len(PARAMETERS):
        raise InputError(
            f"objective.type: canonical predicts {len(PARAMETERS)} parameters, found {parameters}."
        )
    return Canonical()
