"""How far two images of one object are apart, by four measures over the pixels that show it."""

import math
from dataclasses import dataclass

import numpy as np
from skimage.metrics import structural_similarity

from inverse_shading.evaluation.flip import flip_error
from inverse_shading.scene.srgb import srgb_decode

# Levels of an image are 0 to PEAK.
PEAK = 255
# Linear light of every level.
LINEAR = srgb_decode(np.arange(PEAK + 1) / PEAK).astype(np.float32)

# Equal images have no PSNR, and a mean over images can't hold infinity. The smallest difference that
# eight bits allow, one level of one channel of one of 224 x 224 pixels, is 99.9 dB: this is above it.
LARGEST_PSNR = 100.0


@dataclass(frozen=True)
class ImageDifference:
    """Difference of a test image from a reference.

    Attributes:
        rms: root of the mean squared difference of all channels, in levels of 255; 0 is equal.
        psnr: 20 log10(255 / rms) in dB, 100 at most; more is closer.
        ssim: structural similarity, -1 to 1; 1 is equal.
        flip: perceived difference, 0 to 1; 0 is equal.
    """

    rms: float
    psnr: float
    ssim: float
    flip: float


def compare_images(reference: np.ndarray, test: np.ndarray, mask: np.ndarray) -> ImageDifference:
    """Measure the difference of two images over some of their pixels.

    SSIM is that of Wang et al. (2004), doi:10.1109/TIP.2003.819861, with its Gaussian window and the
    mean over channels; FLIP see `flip_map`. Both look at a pixel's surroundings, so pixels beside the
    mask have a say in them.

    Args:
        reference, test: uint8 (height, width, 3), sRGB-encoded, 11 pixels a side or more.
        mask: bool (height, width), True for the pixels that count, at least one.

    Raises:
        ValueError: other types or shapes, or a mask without a pixel.
    """
    _check_images(reference, test)
    if mask.dtype != bool or mask.shape != reference.shape[:2] or not mask.any():
        raise ValueError(
            f"found a mask {mask.dtype} {mask.shape} of {np.count_nonzero(mask)} pixels, expected "
            f"bool {reference.shape[:2]} with at least one"
        )
    difference = reference[mask].astype(np.float64) - test[mask]
    rms = float(np.sqrt(np.mean(difference**2)))
    _, similarity = structural_similarity(
        reference,
        test,
        full=True,
        channel_axis=2,
        data_range=PEAK,
        # As the paper has it; the defaults of scikit-image are others.
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return ImageDifference(
        rms=rms,
        psnr=min(20 * math.log10(PEAK / rms), LARGEST_PSNR) if rms else LARGEST_PSNR,
        ssim=float(similarity[mask].mean()),
        flip=float(flip_map(reference, test)[mask].mean(dtype=np.float64)),
    )


def flip_map(reference: np.ndarray, test: np.ndarray) -> np.ndarray:
    """What an observer sees who flips between two images on a screen, pixel by pixel.

    See `flip.flip_error`.

    Args:
        reference, test: uint8 (height, width, 3), sRGB-encoded.

    Returns:
        float32 (height, width), 0 (no difference) to 1.

    Raises:
        ValueError: other types or shapes.
    """
    _check_images(reference, test)
    return flip_error(LINEAR[reference], LINEAR[test])


def _check_images(reference: np.ndarray, test: np.ndarray) -> None:
    for image in (reference, test):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"found an image {image.dtype} {image.shape}, expected uint8 (height, width, 3)"
            )
    if reference.shape != test.shape:
        raise ValueError(f"found images of {reference.shape} and {test.shape}, expected one size")
