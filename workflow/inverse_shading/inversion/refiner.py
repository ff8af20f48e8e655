"""From a picture to a material: the search, what is left open, and materials that look alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from inverse_shading.inversion.alternatives import different_materials
from inverse_shading.inversion.calibration import UNCALIBRATED, Calibration
from inverse_shading.inversion.least_squares import Solution, find_material, found_gains
from inverse_shading.inversion.misfit import Fit, Residual, judge, likely_reasons, residual
from inverse_shading.inversion.posterior import Draws, covariance, draw
from inverse_shading.inversion.reasons import reasons
from inverse_shading.material.observable import (
    UNKNOWNS,
    materials,
    mean_base,
    observables,
    with_base_of_one,
)
from inverse_shading.pictures.file_kind import EIGHT_BITS, PictureSource
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.render.unrounded import UnroundedRenderer

# The middle of what a picture allows is taken unless its render is so much further off than the
# optimum's.
ALLOWED_LOSS = 1.01


@dataclass(frozen=True)
class Estimate:
    """What is known of one picture's material; arrays are (10,) in the order of `PARAMETERS`.

    Attributes:
        material: what renders as the picture does, in [0, 1].
        expected: posterior means: the best guess at the numbers, which as a material looks different,
            because the mean of a product isn't the product of the means.
        low, high: the interval of each input; after refinement it holds the material's value.
        reasons: by parameter: None where the picture determines it, else "product", "dark" or
            "metal"; see `reasons`.
        rms: root mean square difference of the material's render before rounding from the picture,
            levels of 255 over the compared pixels.
        guess_rms: the same of the guess; None without one.
        renders: materials rendered, whole images counting 1 and some pixels by their share.
        starts: starting points used.
        converged: see `least_squares.Solution`.
        alternatives: further materials (10,) that render the same within quantisation.
        draws: (n, 10) equally likely materials of the picture; None without refinement.
        fit: whether the material explains the picture; None of an answer that wasn't refined.
        gains: (3,) what the stage's light is multiplied by, red, green and blue, where that was
            fitted along.
    """

    material: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reasons: dict[str, str | None]
    rms: float
    guess_rms: float | None
    renders: float
    starts: int
    converged: bool
    alternatives: list[np.ndarray] = field(default_factory=list)
    draws: np.ndarray | None = None
    fit: Fit | None = None
    gains: np.ndarray | None = None


class Refiner:
    """Finds the materials of pictures of one stage, one after the other.

    Args:
        stage: a file written by `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        settings: the config's section `refinement`.
        calibration: of the posterior.
        device, threads: see `frames.Renderer`.

    Raises:
        InputError: the stage file or the OpenGL driver can't be used.
    """

    def __init__(
        self,
        stage: str | Path,
        framing: Mapping,
        settings: Mapping,
        calibration: Calibration = UNCALIBRATED,
        device: str | int = "auto",
        threads: int | None = None,
    ):
        self._settings, self._calibration = settings, calibration
        self._renderer = UnroundedRenderer(stage, framing, settings["stride"], device, threads)

    @property
    def driver(self) -> str:
        """The OpenGL driver in one line."""
        return self._renderer.driver

    @property
    def weights(self) -> np.ndarray:
        """float32 (size, size): how far the object reaches into each pixel, 0 to 1."""
        return self._renderer.weights

    def render(self, values: np.ndarray, gains: np.ndarray | None = None) -> np.ndarray:
        """A material's framed image as the data set has it: uint8 (size, size, 3).

        Args:
            gains: (3,) what the light is multiplied by, if it isn't the stage's.
        """
        values = np.asarray(values, dtype=np.float64)
        if gains is None:
            return self._renderer.rounded_image(values)
        return np.rint(self._renderer.image(np.append(values, gains))).astype(np.uint8)

    def whole_frame(self, picture: FramedPicture, values: np.ndarray) -> FramedPicture:
        """What a material's framed image would be if it were its whole frame, a file of 8 bits."""
        frame = self._renderer.rounded_frame(np.asarray(values, dtype=np.float64))
        source = PictureSource(EIGHT_BITS, len(frame), len(frame), self._renderer.box)
        target = self._renderer.framed(frame.astype(np.float32))
        return replace(picture, target=target, placement="frame", source=source)

    def refine(
        self,
        picture: FramedPicture,
        guess: np.ndarray | None = None,
        alternatives: int = 0,
        fit_exposure: bool = False,
    ) -> Estimate:
        """Find the material whose render is the picture.

        Args:
            guess: (10,) where to start; without one, at fixed places.
            alternatives: how many further materials to look for.
            fit_exposure: whether exposure and white balance are fitted along.
        """
        before = self._renderer.renders
        compared = picture.weights > 0.5
        solution = self.solve(picture, guess, fit_exposure)
        found = self.residual(picture, solution)
        fit = self._judge(picture, solution, found)
        widened = 1.0 if fit.explained else self._settings["misfit_scale"]
        draws = self._draws(picture, solution, found.shift[:UNKNOWNS], widened)
        material, rms = self._middle(picture, compared, solution, draws)
        gains = found_gains(solution.x)
        factors = self._calibration.factors_of(observables(solution.x)[:UNKNOWNS])
        low, high = draws.interval(self._settings["interval"], factors)
        # What is left of a picture that nothing explains may drive the optimum beyond all draws.
        low, high = np.minimum(low, material), np.maximum(high, material)
        if not fit.explained:
            # A wrong shader or light also moves what the picture seems to determine, and not at random.
            margin = self._settings["misfit_margin"]
            low, high = np.maximum(low - margin, 0), np.minimum(high + margin, 1)
        others = []
        if alternatives:
            others = different_materials(
                draws,
                material,
                lambda values: self._renderer.image(np.append(values, gains)),
                compared,
                alternatives,
            )
        # The guess's own render is for the record and no part of the search.
        renders = self._renderer.renders - before
        guess_rms = None if guess is None else self._distance(guess, picture, compared)
        return Estimate(
            material=material,
            expected=draws.means,
            low=low,
            high=high,
            reasons=reasons(material, low, high, self._settings["interval"]),
            rms=rms,
            guess_rms=guess_rms,
            renders=renders,
            starts=solution.starts,
            converged=solution.converged,
            alternatives=others,
            draws=draws.values,
            fit=fit,
            gains=gains if fit_exposure else None,
        )

    def assess(
        self,
        picture: FramedPicture,
        guess: np.ndarray,
        expected: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
    ) -> Estimate:
        """Take a network's answer and its intervals as they are, and see how far its render is off.

        Args:
            guess: (10,) the material that the answer means, see `observable.guessed_materials`.
            expected, low, high: (10,) the answer and its intervals.
        """
        compared = picture.weights > 0.5
        rms = self._distance(guess, picture, compared)
        return Estimate(
            material=guess,
            expected=expected,
            low=low,
            high=high,
            reasons=reasons(guess, low, high, self._settings["interval"]),
            rms=rms,
            guess_rms=rms,
            renders=1.0,
            starts=0,
            converged=rms <= self._settings["tolerance"],
        )

    def solve(
        self, picture: FramedPicture, guess: np.ndarray | None, fit_exposure: bool = False
    ) -> Solution:
        """The optimum alone, see `least_squares.find_material`."""
        return self._search(picture, guess, self._settings, fit_exposure)

    def _search(
        self,
        picture: FramedPicture,
        guess: np.ndarray | None,
        settings: Mapping,
        fit_exposure: bool,
    ) -> Solution:
        return find_material(
            self._renderer,
            picture.target,
            picture.weights > 0.5,
            guess,
            settings,
            fit_exposure,
            lambda found: self.residual(picture, found).score,
        )

    def residual(self, picture: FramedPicture, solution: Solution) -> Residual:
        """What the optimum leaves of the picture."""
        return residual(self._renderer, picture, solution)

    def spread(self, picture: FramedPicture, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """u (9,) at the optimum and its covariance (9, 9) before any scale."""
        pixels = (picture.weights > 0.5) & self._renderer.dense
        whole = covariance(solution.by_u, solution.residuals, pixels)
        return observables(solution.x)[:UNKNOWNS], whole[:UNKNOWNS, :UNKNOWNS]

    def _judge(self, picture: FramedPicture, solution: Solution, found: Residual) -> Fit:
        """The verdict on what is left of the picture, with likely reasons."""
        fit = self._fit(picture, found)
        if fit.explained:
            return fit
        in_other_light, explained = None, False
        if len(solution.x) == UNKNOWNS:
            guess = with_base_of_one(solution.x)
            again = self._search(picture, guess, {**self._settings, "restarts": 0}, True)
            in_other_light = self.residual(picture, again)
            explained = self._fit(picture, in_other_light).explained
        return replace(fit, reasons=likely_reasons(found, in_other_light, explained, picture))

    def _fit(self, picture: FramedPicture, found: Residual) -> Fit:
        return judge(found, self._calibration.margins, picture, self._settings)

    def _draws(
        self, picture: FramedPicture, solution: Solution, shift: np.ndarray, widened: float
    ) -> Draws:
        """What the picture allows about the optimum.

        Args:
            shift: (9,) by which the errors of its own file would move u.
            widened: by what deviations are multiplied beside the calibration.
        """
        u, spread = self.spread(picture, solution)
        scales = widened * self._calibration.scale_vector
        return draw(u, scales[:, None] * spread * scales, shift=shift)

    def _middle(
        self, picture: FramedPicture, compared: np.ndarray, solution: Solution, draws: Draws
    ) -> tuple[np.ndarray, float]:
        """The material in the middle of all that look like the picture, and how far it is off.

        The optimum itself lies wherever rounding drove it along what doesn't show.
        """
        u, gains = draws.u.mean(axis=0), found_gains(solution.x)
        middle = materials(u, mean_base(u))
        rms = self._distance(middle, picture, compared, gains)
        if rms <= ALLOWED_LOSS * solution.rms:
            return middle, rms
        u = observables(solution.x)[:UNKNOWNS]
        optimum = materials(u, mean_base(u))
        return optimum, self._distance(optimum, picture, compared, gains)

    def _distance(
        self,
        values: np.ndarray,
        picture: FramedPicture,
        compared: np.ndarray,
        gains: np.ndarray | tuple = (),
    ) -> float:
        image = self._renderer.image(np.append(values, gains))
        difference = (image - picture.target)[compared]
        return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()

    def __enter__(self) -> "Refiner":
        return self

    def __exit__(self, *_) -> None:
        self.close()
