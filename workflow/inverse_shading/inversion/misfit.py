"""Whether a material explains a picture: what its render leaves, against what would be left anyway.

What a right material leaves is known for every picture: its own render is put through the same file,
with the same rounding, compression and resampling, and compared with itself (a parametric bootstrap).
What the picture leaves beyond that is *excess*. A wrong light or shader leaves smooth differences,
which neighbouring pixels share, and compression rough ones. So both are compared at several scales,
pixel by pixel and averaged over blocks, as mean squares: what the search leaves adds to what the file
leaves, whatever that is. How much excess the stage's own pictures have is measured on renders of known
materials (`Margins`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inverse_shading.inversion.least_squares import Solution, rendered
from inverse_shading.pictures.file_kind import EIGHT_BITS, PictureSource
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.pictures.silhouette import through_square
from inverse_shading.render.framing import frame_image
from inverse_shading.render.unrounded import UnroundedRenderer

# Sides of the blocks that residuals are averaged over, in framed pixels.
SCALES = (1, 4, 16)

# Excess counts in units of what means nothing, the sum of two mean squares. One is of levels of 255:
# the search ends that far off, and other drivers round elsewhere. The other is a share, by scale, of
# what is expected: two files' errors differ by as much by chance, and a JPEG's drive the material off,
# which leaves more. With these, own PNGs and JPEGs have similar scores, `benchmarks/misfit.py`.
UNSEEN, CHANCE = 0.03, np.array([0.12, 0.25, 0.75])

# Placements of an object that may be a small part of its file, the pixels that a resampling filter
# reaches, and the side of the blocks that JPEGs compress one by one.
MOVED, FILTER_REACH, BLOCK = ("silhouette", "given"), 3, 16

# Verdicts.
EXPLAINED, DOUBTFUL, OTHER = "explained", "doubtful", "not made this way"

# Fewer known materials say too little of a tail, and none says that it is shorter than a normal
# distribution's. Scores of few may all lie below this one, which is little for any picture.
FEWEST, SHORTEST_TAIL, LITTLE = 20, 0.2, 0.25

# Exposure or white balance is a reason where fitting them leaves less than this share unexplained;
# compression or blur where less than this share of what is left is smooth.
LARGE_PART, ROUGH = 0.5, 0.07

# Of each, for people.
LIKELY = {
    "exposure": "exposure or white balance",
    "object": "another object or view",
    "compression": "compression or blur that the file doesn't tell of",
    "light": "another light",
    "renderer": "another renderer or shading model",
}

EXPOSURE, OBJECT, COMPRESSION, LIGHT, RENDERER = LIKELY


@dataclass(frozen=True)
class Residual:
    """What a solution leaves of a picture.

    Attributes:
        left: root mean square over inner pixels, levels of 255.
        expected: what the material's own render in such a file would leave.
        score: excess in units of what means nothing, at the scale where it is most; below 0 where
            less than expected is left.
        smooth: share of what is left beyond that which is the same over blocks of the largest scale.
        shift: (9,) by which the errors of its own file would move u, or (12,) u and gains.
    """

    left: float
    expected: float
    score: float
    smooth: float
    shift: np.ndarray

    @property
    def unexplained(self) -> float:
        """Mean square of what is left beyond what is expected."""
        return max(self.left**2 - self.expected**2, 0.0)


@dataclass(frozen=True)
class Margins:
    """How much excess pictures of the stage itself have.

    Attributes:
        deciles: nine, of the scores.
        tail: mean logarithm of how many times the last decile the scores of the highest tenth are.
        images: known materials that it was measured on.
    """

    deciles: tuple[float, ...]
    tail: float
    images: int

    def p_value(self, score: float) -> float:
        """Share of the stage's own pictures that have as high a score.

        Their highest tenth falls off by a power (Hill 1975, https://doi.org/10.1214/aos/1176343247): a
        search that fails leaves a lot.
        """
        last = self.deciles[-1]
        if score > last:
            return 0.1 * float((score / last) ** (-1 / self.tail))
        shares = np.linspace(0.9, 0.1, len(self.deciles))
        return float(np.interp(score, self.deciles, shares, left=1.0))


#: Where none were measured: those of the built-in stage, twice as wide.
SHIPPED_MARGINS = Margins((0.12, 0.43, 0.62, 0.73, 0.89, 1.2, 1.4, 1.6, 2.1), 0.4, 0)


@dataclass(frozen=True)
class Fit:
    """A verdict.

    Attributes:
        verdict: EXPLAINED, DOUBTFUL or OTHER.
        p_value: share of the stage's own pictures in such files that leave as much.
        calibrated: whether that was measured on this stage.
        file: what the picture was held against, such as "8 bits" or "JPEG, quality 75".
        left, expected: see `Residual`.
        reasons: likely ones of a picture that isn't explained, the likeliest first.
    """

    verdict: str
    p_value: float
    calibrated: bool
    file: str
    left: float
    expected: float
    reasons: tuple[str, ...] = ()

    @property
    def explained(self) -> bool:
        """Whether the material explains the picture."""
        return self.verdict == EXPLAINED

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        shown = f"{self.p_value:.2g}" if self.p_value >= 1e-4 else "below 0.0001"
        told = f"{self.verdict} (p {shown}{'' if self.calibrated else ', not calibrated'})"
        likely = [LIKELY[reason] for reason in self.reasons]
        return told + (f": likely {', or '.join(likely)}" if likely else "")


def judge(
    found: Residual, margins: Margins, picture: FramedPicture, settings: Mapping[str, float]
) -> Fit:
    """The verdict on a picture, without reasons.

    Args:
        settings: doubtful and denied: p-values below which it is called so, see `settings`.
    """
    p_value = margins.p_value(found.score)
    worse = OTHER if p_value < settings["denied"] else DOUBTFUL
    verdict = EXPLAINED if p_value >= settings["doubtful"] else worse
    kind = EIGHT_BITS if picture.source is None else picture.source.kind
    return Fit(verdict, p_value, margins.images > 0, kind.name, found.left, found.expected)


def likely_reasons(
    found: Residual, in_other_light: Residual | None, explained: bool, picture: FramedPicture
) -> tuple[str, ...]:
    """What may be wrong with a picture that isn't explained, the likeliest first.

    Args:
        found: what the best material leaves.
        in_other_light: what it leaves with exposure and white balance fitted along; None if they were.
        explained: whether that explains the picture.
    """
    reasons = []
    if in_other_light is not None and (
        explained or in_other_light.unexplained < LARGE_PART * found.unexplained
    ):
        reasons.append(EXPOSURE)
    if picture.placement == "given":
        reasons.append(OBJECT)
    if found.smooth < ROUGH:
        reasons.append(COMPRESSION)
    if not reasons or found.smooth >= ROUGH:
        reasons += [LIGHT, RENDERER]
    return tuple(reasons)


def measure_margins(scores: Sequence[float]) -> Margins:
    """Margins of known materials' scores; the shipped ones of too few."""
    if len(scores) < FEWEST:
        return SHIPPED_MARGINS
    found = np.array(scores)
    deciles = np.quantile(found, np.linspace(0.1, 0.9, 9))
    last = deciles[-1] = max(deciles[-1], LITTLE)
    highest = np.log(found[found > last] / last)
    tail = max(float(np.mean(highest)) if len(highest) else 0.0, SHORTEST_TAIL)
    return Margins(tuple(deciles.tolist()), tail, len(found))


def residual(renderer: UnroundedRenderer, picture: FramedPicture, solution: Solution) -> Residual:
    """Compare what a picture leaves with what the found material's own render would leave."""
    pixels = (picture.weights > 0.5) & renderer.dense
    frame = renderer.frame(rendered(solution.x))
    own = (renderer.framed(frame) - as_filed(renderer, picture, frame))[pixels]
    # The search makes residuals orthogonal to the derivatives, so these are made so too.
    derivatives = solution.by_u.reshape(-1, solution.by_u.shape[-1]).astype(np.float64)
    flat = own.ravel().astype(np.float64)
    shift = np.linalg.lstsq(derivatives.T @ derivatives, derivatives.T @ flat, rcond=1e-12)[0]
    expected = _at_scales((flat - derivatives @ shift).reshape(own.shape), pixels)
    left = _at_scales(solution.residuals, pixels)
    excess = left - expected
    return Residual(
        float(np.sqrt(left[0])),
        float(np.sqrt(expected[0])),
        float(np.max(excess / (UNSEEN**2 + CHANCE * expected))),
        float(max(excess[-1], 1e-12) / max(excess[0], 1e-12)),
        shift,
    )


def as_filed(renderer: UnroundedRenderer, picture: FramedPicture, frame: np.ndarray) -> np.ndarray:
    """What a framed picture would be if its file showed this frame.

    Args:
        frame: float (side, side, 3), levels of 255.

    Returns:
        float (size, size, 3), levels of 255.
    """
    size = len(picture.weights)
    source = picture.source or PictureSource(EIGHT_BITS, size, size, (0, 0, size, size))
    if picture.placement in MOVED:
        source = _near_square(source, size)
    left, upper, right, _ = source.square
    side = max(source.height, source.width)
    box_left, box_upper, box_right, _ = renderer.box
    # Of the frame, what the file shows.
    scale = (box_right - box_left) / (right - left)
    corner = box_left - left * scale, box_upper - upper * scale
    shown = (*corner, corner[0] + side * scale, corner[1] + side * scale)

    def filed(part: np.ndarray) -> np.ndarray:
        if picture.placement == "framed" and source.kind.steps:
            # Framed images are made of frames of 8 bits.
            canvas = frame_image(np.rint(part).astype(np.uint8), shown, side, renderer.filter)
        else:
            canvas = through_square(part, shown, side, renderer.filter)
        held = source.kind.applied(np.clip(canvas[: source.height, : source.width], 0, 255))
        # As placement takes the file. What is moved overshoots, until it lies on the backdrop.
        limit = None if picture.placement in MOVED else 255
        framed = through_square(held, source.square, size, renderer.filter, limit)
        return np.clip(framed, 0, 255)

    if source.kind.mixes:
        return filed(frame)
    # One by one they take less memory, and no time to be put together.
    return np.stack([filed(channel) for channel in np.moveaxis(frame, -1, 0)], axis=-1)


def _near_square(source: PictureSource, size: int) -> PictureSource:
    """The part of a file that a framed picture depends on; blocks of a JPEG stay whole."""
    left, upper, right, lower = source.square
    reach = FILTER_REACH * max(1.0, (right - left) / size)
    first, last = [], []
    for start, end, length in ((left, right, source.width), (upper, lower, source.height)):
        first.append(max(int((start - reach) // BLOCK) * BLOCK, 0))
        last.append(min(int(-(-(end + reach) // BLOCK)) * BLOCK, length))
    (x, y), (right_end, lower_end) = first, last
    square = (left - x, upper - y, right - x, lower - y)
    return PictureSource(source.kind, lower_end - y, right_end - x, square)


def _at_scales(residuals: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Mean squares (SCALES,) of residuals (pixels, 3) averaged over blocks."""
    rows, columns = np.nonzero(pixels)
    found = []
    for side in SCALES:
        blocks = rows // side * pixels.shape[1] + columns // side
        numbers, counts = np.unique(blocks, return_inverse=True, return_counts=True)[1:]
        sums = np.stack([np.bincount(numbers, channel) for channel in residuals.T], axis=-1)
        # A block counts by its pixels.
        found.append(np.sum(np.square(sums) / counts[:, None]) / (3 * len(rows)))
    return np.array(found)
