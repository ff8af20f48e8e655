"""What an observer sees who flips between two images on a screen: FLIP.

Andersson et al. (2020), "FLIP: A Difference Evaluator for Alternating Images", doi:10.1145/3406183,
with the constants of its authors' code. Their library gives the same. It takes several times as long,
which was most of the time that the looks of predictions took. Tests compare the two.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# Pixels of a degree of the default observer's view, 0.7 m before a screen of 3840 pixels in 0.7 m: 67.
PIXELS_PER_DEGREE = 0.7 * (3840 / 0.7) * np.pi / 180

# Contrast sensitivities of the achromatic, the red-green and the blue-yellow channel: sums of Gaussians
# (a, b), a √(π/b) exp(-π² x² / b) with x in degrees.
SENSITIVITIES = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))
# Width in degrees of the lines and points that draw attention.
FEATURE_WIDTH = 0.082
# Kernels end at so many standard deviations: of the widest Gaussian of all sensitivities, or of the
# features' own.
DEVIATIONS = 3
# Exponents of colour and of features, and how colour differences are spread: up to the share `PC` of
# the largest they take the share `PT` of the range.
QC, QF, PC, PT = 0.7, 0.5, 0.4, 0.95

# Linear sRGB to XYZ, of the code's own rational numbers; then to XYZ as a share of white's.
XYZ = np.array(
    [
        [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
        [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
        [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
    ]
)
RELATIVE_XYZ = XYZ / XYZ.sum(axis=1, keepdims=True)
# CIELAB of the roots of relative XYZ, but for an offset of the lightness. The opponent space whose
# channels are filtered is the same of the values themselves.
LIGHTNESS, OFFSET = 116.0, 16.0
LAB = np.array([[0, LIGHTNESS, 0], [500, -500, 0], [0, 200, -200]])

# Rows that are filtered by one product of matrices.
BLOCK = 64


def flip_error(reference: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The difference, pixel by pixel.

    Args:
        reference, test: float (height, width, 3), linear sRGB, 0 to 1.

    Returns:
        float32 (height, width), 0 (no difference) to 1.
    """
    colors, features = zip(*map(_perceive, (reference, test)), strict=True)
    largest = float(_hyab(*(_hunt_lab(primary) for primary in np.eye(3)[1:]))) ** QC
    knee = PC * largest
    color = np.minimum(_hyab(*colors) ** QC, largest)
    color = np.where(
        color < knee, color * (PT / knee), PT + (color - knee) / (largest - knee) * (1 - PT)
    )
    apart = np.maximum(*(np.abs(a - b) for a, b in zip(*features, strict=True)))
    feature = np.minimum((apart * 0.5**0.5) ** QF, 1)
    return color ** (1 - feature)


def _perceive(image: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """How an observer sees the colours of an image, and how strong its edges and its points are."""
    opponent = np.asarray(image, np.float32) @ TO_OPPONENT.T
    filtered = [
        sum(_along_rows(_along_columns(opponent[..., place], kernel), kernel) for kernel in kernels)
        for place, kernels in enumerate(SENSITIVITY_KERNELS)
    ]
    linear = np.stack(filtered, axis=-1) @ FROM_OPPONENT.T
    luminance = opponent[..., 0] / LIGHTNESS
    across = _along_rows(luminance, SMOOTH_KERNEL)
    down = _along_columns(luminance, SMOOTH_KERNEL)
    features = [
        np.hypot(_along_columns(across, kernel), _along_rows(down, kernel))
        for kernel in FEATURE_KERNELS
    ]
    return _hunt_lab(np.clip(linear, 0, 1)), features


def _hunt_lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB, colours the fainter the darker they are (the Hunt effect)."""
    relative = linear @ RELATIVE_XYZ.T.astype(linear.dtype)
    delta = 6 / 29
    root = np.where(relative > delta**3, np.cbrt(relative), relative / (3 * delta**2) + 4 / 29)
    lab = root @ LAB.T.astype(linear.dtype)
    lab[..., 0] -= OFFSET
    lab[..., 1:] *= 0.01 * lab[..., :1]
    return lab


def _hyab(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """HyAB distance: of lightness, and of both colour channels together."""
    apart = a - b
    return np.abs(apart[..., 0]) + np.hypot(apart[..., 1], apart[..., 2])


def _along_rows(channel: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return _along_columns(channel.T, kernel).T


def _along_columns(channel: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter columns with a matrix of `_as_matrix`; pixels beyond an end repeat the last one."""
    length, (block, reached) = len(channel), kernel.shape
    radius = (reached - block) // 2
    padding = (radius, radius - length % -block)
    padded = np.pad(channel, (padding, (0, 0)), mode="edge")
    windows = sliding_window_view(padded, reached, axis=0)[::block].swapaxes(1, 2)
    return (kernel @ windows).reshape(-1, channel.shape[1])[:length]


def _sensitivity_kernels() -> list[list[np.ndarray]]:
    """Of every channel the kernels whose products with themselves are added up, with a sum of 1."""
    widest = max(b for gaussians in SENSITIVITIES for _, b in gaussians)
    radius = int(np.ceil(DEVIATIONS * np.sqrt(widest / (2 * np.pi**2)) * PIXELS_PER_DEGREE))
    degrees = np.arange(-radius, radius + 1) / PIXELS_PER_DEGREE
    kernels = []
    for gaussians in SENSITIVITIES:
        plain = [np.exp(-((np.pi * degrees) ** 2) / b) for _, b in gaussians]
        weights = [a * np.sqrt(np.pi / b) for a, b in gaussians]
        whole = sum(w * kernel.sum() ** 2 for w, kernel in zip(weights, plain, strict=True))
        kernels.append(
            [
                _as_matrix(np.sqrt(w / whole) * kernel)
                for w, kernel in zip(weights, plain, strict=True)
            ]
        )
    return kernels


def _feature_kernels() -> list[np.ndarray]:
    """A Gaussian, and its first and second derivatives, which find edges and points."""
    deviation = 0.5 * FEATURE_WIDTH * PIXELS_PER_DEGREE
    radius = int(np.ceil(DEVIATIONS * deviation))
    places = np.arange(-radius, radius + 1)
    gaussian = np.exp(-(places**2) / (2 * deviation**2))
    derivatives = (-places * gaussian, (places**2 / deviation**2 - 1) * gaussian)
    return [_as_matrix(_balanced(kernel)) for kernel in (gaussian, *derivatives)]


def _balanced(kernel: np.ndarray) -> np.ndarray:
    """Positive weights scaled to a sum of 1, and negative ones to a sum of -1."""
    positive, negative = kernel.clip(min=0), kernel.clip(max=0)
    return positive / positive.sum() + negative / max(-negative.sum(), np.finfo(float).tiny)


def _as_matrix(kernel: np.ndarray) -> np.ndarray:
    """float32 (BLOCK, BLOCK + reach): each row the weights of one pixel's neighbours."""
    matrix = np.zeros((BLOCK, BLOCK + len(kernel) - 1), np.float32)
    for row in range(BLOCK):
        matrix[row, row : row + len(kernel)] = kernel
    return matrix


TO_OPPONENT = (LAB @ RELATIVE_XYZ).astype(np.float32)
FROM_OPPONENT = np.linalg.inv(LAB @ RELATIVE_XYZ).astype(np.float32)
SENSITIVITY_KERNELS = _sensitivity_kernels()
SMOOTH_KERNEL, *FEATURE_KERNELS = _feature_kernels()
