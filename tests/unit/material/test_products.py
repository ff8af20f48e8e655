"""Products of weight and colour: places by name, and the same arithmetic for arrays and tensors."""

import numpy as np
import pytest
import torch

from inverse_shading.material import parameters
from inverse_shading.material.products import (
    base_products,
    expected_base,
    expected_inverse_base,
    specular_products,
)

VALUES = np.random.default_rng(1).uniform(size=(50, 10)).astype(np.float32)


def test_places_are_those_of_the_names():
    places = {name: place for place, name in enumerate(parameters.PARAMETERS)}
    assert places["base"] == parameters.BASE and places["specular"] == parameters.SPECULAR
    assert places["specular_roughness"] == parameters.ROUGHNESS
    assert places["metalness"] == parameters.METALNESS
    for found, name in ((parameters.BASE_COLOR, "base"), (parameters.SPECULAR_COLOR, "specular")):
        assert found == [places[f"{name}_color_{channel}"] for channel in "rgb"]


@pytest.mark.parametrize("function", [base_products, specular_products])
def test_products_of_arrays_and_tensors_are_the_same_numbers(function):
    np.testing.assert_array_equal(function(torch.from_numpy(VALUES)), function(VALUES))
    np.testing.assert_array_equal(function(VALUES[0]), function(VALUES)[0])


@pytest.mark.parametrize("function", [expected_base, expected_inverse_base])
def test_means_of_arrays_and_tensors_are_the_same_numbers(function):
    np.testing.assert_array_equal(function(torch.from_numpy(VALUES)), function(VALUES))
    assert function(1.0) == 1
