"""sRGB: the standard's curve, its inverse, and the same for tensors."""

import numpy as np
import torch

from inverse_shading.scene.srgb import srgb_decode, srgb_encode

LINEAR = np.array([0.0, 0.001, 0.0031308, 0.214041, 1.0])
# IEC 61966-2-1: linear 0.2140 is encoded 0.5.
ENCODED = np.array([0.0, 0.01292, 0.04045, 0.5, 1.0])


def test_srgb_is_the_standard_curve_and_its_inverse():
    np.testing.assert_allclose(srgb_encode(LINEAR), ENCODED, atol=1e-5)
    np.testing.assert_allclose(srgb_decode(ENCODED), LINEAR, atol=1e-6)
    values = np.linspace(0, 1, 101)
    np.testing.assert_allclose(srgb_decode(srgb_encode(values)), values, atol=1e-7)


def test_tensors_are_decoded_as_arrays_are():
    encoded = np.linspace(-0.01, 1, 1000, dtype=np.float32)
    decoded = srgb_decode(torch.from_numpy(encoded), torch)
    np.testing.assert_allclose(decoded, srgb_decode(encoded), atol=1e-6)
    assert decoded.dtype == torch.float32
