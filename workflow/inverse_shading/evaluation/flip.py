"""What an observer sees who flips between two images on a screen: FLIP.

Andersson et al. (2020), "FLIP: A Difference Evaluator for Alternating Images", doi:10.1145/3406183,
with the constants of its authors' code. Their library takes four times as long for the same, which was
most of the time that looks took. Tests compare the two.
"""

from functools import lru_cache

import numpy as np

# Pixels of a degree of the observer's view: 0.7 m before a screen of 3840 pixels in 0.7 m.
PIXELS_PER_DEGREE = 0.7 * (3840 / 0.7) * np.pi / 180

# Contrast sensitivities of the achromatic, the red-green and the blue-yellow channel: sums of Gaussians
# (a, b), a √(π/b) exp(-π² x² / b) with x in degrees.
SENSITIVITIES = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))
# Width in degrees of the lines and points that draw attention.
FEATURE_WIDTH = 0.082
# Exponents of colour and of features, and how colour differences are spread: up to the share `PC` of
# the largest they take the share `PT` of the range.
QC, QF, PC, PT = 0.7, 0.5, 0.4, 0.95

# Linear sRGB to XYZ, of the code's own rational numbers, and a white of 1.
XYZ = np.array(
    [
        [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
        [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
        [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
    ]
)
# The same relative to white.
RELATIVE_XYZ = XYZ / XYZ.sum(axis=1, keepdims=True)
# Relative XYZ to an opponent space without its offset, whose channels are filtered, and to linear sRGB.
OPPONENT = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]], np.float64)
FROM_OPPONENT = np.linalg.inv(OPPONENT @ RELATIVE_XYZ)


def flip_error(reference: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The difference, pixel by pixel.

    Args:
        reference, test: float (height, width, 3), linear sRGB, 0 to 1.

    Returns:
        float32 (height, width), 0 (no difference) to 1.
    """
    height, width = reference.shape[:2]
    vertical, horizontal = _filters(height), _filters(width)
    seen, features = [], []
    for image in (reference, test):
        opponent = np.asarray(image, np.float32) @ (OPPONENT @ RELATIVE_XYZ).T.astype(np.float32)
        channels = [opponent[..., place] for place in range(3)]
        filtered = [
            sum(
                down @ channel @ across.T
                for down, across in zip(
                    vertical.sensitivities[place], horizontal.sensitivities[place], strict=True
                )
            )
            for place, channel in enumerate(channels)
        ]
        linear = np.stack(filtered, axis=-1) @ FROM_OPPONENT.T.astype(np.float32)
        seen.append(_hunt_lab(np.clip(linear, 0, 1)))
        # An offset of the luminance is no feature.
        luminance = channels[0] / 116
        features.append(
            [
                np.hypot(
                    vertical.smooth @ luminance @ across.T, down @ luminance @ horizontal.smooth.T
                )
                for down, across in zip(vertical.features, horizontal.features, strict=True)
            ]
        )
    green, blue = (_hunt_lab(np.eye(3)[place]) for place in (1, 2))
    largest = _hyab(green, blue) ** QC
    color = _hyab(*seen) ** QC
    knee = PC * largest
    color = np.where(
        color < knee, color * (PT / knee), PT + (color - knee) / (largest - knee) * (1 - PT)
    )
    apart = np.maximum(*(np.abs(a - b) for a, b in zip(*features, strict=True)))
    feature = np.clip((apart / np.sqrt(2)) ** QF, 0, 1)
    return (color ** (1 - feature)).astype(np.float32)


class _Filters:
    """What is applied along one axis, as matrices: each row the weights of one pixel's neighbours.

    Attributes:
        sensitivities: of every channel, the matrices whose products for both axes are added up.
        smooth: a Gaussian.
        features: its first and second derivative, which find edges and points.
    """

    def __init__(self, length: int):
        radius = int(np.ceil(3 * np.sqrt(0.04 / (2 * np.pi**2)) * PIXELS_PER_DEGREE))
        places = np.arange(-radius, radius + 1)
        degrees = places / PIXELS_PER_DEGREE
        self.sensitivities = []
        for gaussians in SENSITIVITIES:
            kernels = [np.exp(-((np.pi * degrees) ** 2) / b) for _, b in gaussians]
            weights = [a * np.sqrt(np.pi / b) for a, b in gaussians]
            whole = sum(w * k.sum() ** 2 for w, k in zip(weights, kernels, strict=True))
            self.sensitivities.append(
                [
                    _as_matrix(np.sqrt(w / whole) * k, length)
                    for w, k in zip(weights, kernels, strict=True)
                ]
            )
        deviation = 0.5 * FEATURE_WIDTH * PIXELS_PER_DEGREE
        radius = int(np.ceil(3 * deviation))
        places = np.arange(-radius, radius + 1)
        gaussian = np.exp(-(places**2) / (2 * deviation**2))
        self.smooth = _as_matrix(gaussian / gaussian.sum(), length)
        derivatives = (-places * gaussian, (places**2 / deviation**2 - 1) * gaussian)
        self.features = [_as_matrix(_balanced(kernel), length) for kernel in derivatives]


_filters = lru_cache(maxsize=8)(_Filters)


def _balanced(kernel: np.ndarray) -> np.ndarray:
    """Positive weights scaled to a sum of 1, and negative ones to a sum of -1."""
    positive = kernel > 0
    return np.where(positive, kernel / kernel[positive].sum(), kernel / -kernel[~positive].sum())


def _as_matrix(kernel: np.ndarray, length: int) -> np.ndarray:
    """float32 (length, length) that filters columns; pixels beyond an end repeat the last one."""
    radius = len(kernel) // 2
    rows = np.arange(length)[:, None]
    sources = np.clip(rows + np.arange(-radius, radius + 1), 0, length - 1)
    matrix = np.zeros((length, length))
    np.add.at(matrix, (np.broadcast_to(rows, sources.shape), sources), kernel)
    return matrix.astype(np.float32)


def _hunt_lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB, colours the fainter the darker they are (the Hunt effect)."""
    relative = linear @ RELATIVE_XYZ.T.astype(linear.dtype)
    delta = 6 / 29
    root = np.where(relative > delta**3, np.cbrt(relative), relative / (3 * delta**2) + 4 / 29)
    lightness = 116 * root[..., 1] - 16
    red_green = 500 * (root[..., 0] - root[..., 1])
    blue_yellow = 200 * (root[..., 1] - root[..., 2])
    return np.stack([lightness, *(0.01 * lightness * c for c in (red_green, blue_yellow))])


def _hyab(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """HyAB distance: of lightness, and of both colour channels together."""
    lightness, *colors = a - b
    return np.abs(lightness) + np.hypot(*colors)
