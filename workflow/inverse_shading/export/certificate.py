"""How near an exported material looks, measured: on the stage it was fitted on and in another light."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import MaterialX as mx
import numpy as np

from inverse_shading.evaluation.image_difference import flip_map
from inverse_shading.export.refit import (
    COARSE_PIXELS,
    Fit,
    derivatives_by_inputs,
    follow,
    intervals,
    lost_shares,
    refit,
)
from inverse_shading.export.renders import PixelRenderer
from inverse_shading.export.settings import Exports
from inverse_shading.export.shaders import target_stage, translated_stage
from inverse_shading.export.targets import Mode, Target, naive_numbers, starts
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.scene.built_in_lights import daylight, studio
from inverse_shading.scene.environment import irradiance_map
from inverse_shading.scene.stage_file import Stage, StageMesh

# Where the difference is measured: on the stage, and on it in a light that nothing was fitted in.
PLACES = ("stage", "novel")

# An input is named as one that the target can't follow where this share of what a change of it does to
# the picture is lost, if the change of all its range shows by so many levels of 255.
LOST_SHARE, SHOWN = 0.2, 2.0


@dataclass(frozen=True)
class Export:
    """A material in a target's constants.

    Attributes:
        values: inputs of the target's shader, see `shaders.add_inputs`.
        certificate: what was measured, as JSON holds it; see `docs/exports.md`.
    """

    values: dict[str, Any]
    certificate: dict[str, Any]

    @property
    def rms(self) -> float:
        """On the stage, levels of 255."""
        return self.certificate["stage"]["refitted"]["rms"]


class Exporter:
    """Finds the constants of materials in other shading models, one after the other.

    Args:
        stage: that pictures are compared on.
        resources: where to render.
        library: see `document.standard_library`.
        settings: see `settings.Exports`; None for the shipped ones.

    Attributes:
        settings: as given.

    Raises:
        InputError: the OpenGL driver can't be used. So does `export` if it fails.
    """

    def __init__(
        self,
        stage: Stage,
        resources: Resources,
        library: mx.Document,
        settings: Mapping | None = None,
    ):
        self._resources, self.library = resources, library
        self.settings = dict(settings or shipped_values(Exports))
        self._stages = {"stage": stage, "novel": in_novel_light(stage)}
        self._stack = ExitStack()
        self._renderers: dict[tuple, PixelRenderer] = {}
        self.driver = self._material("stage").driver

    @property
    def mesh(self) -> StageMesh | None:
        """The stage's, see `Stage`."""
        return self._stages["stage"].mesh

    def export(
        self,
        target: Target,
        material: np.ndarray,
        posterior: tuple[np.ndarray, float] | None = None,
    ) -> Export:
        """Find the constants of a material (10,) and measure how near they look.

        Args:
            posterior: equally likely materials (n, 10) of the picture that it was found for, and the
                share of them that intervals are to hold; None for a material that is known.
        """
        truths = {place: self._material(place).pixels(material[None])[0] for place in PLACES}
        fitted = [self._target("stage", target, mode) for mode in target.modes]
        places = starts(target, material, self.settings["restarts"])
        found = refit(target, fitted, truths["stage"], places, self.settings)
        measured = {}
        for place in PLACES:
            renders = {
                "refitted": (self._target(place, target, found.mode), found.values),
                "translation": (self._translation(place, target), material),
            }
            measured[place] = {
                kind: _difference(truths[place], renderer, values)
                for kind, (renderer, values) in renders.items()
            }
        values = target.by_input(found.values, found.sought) | dict(found.mode.values)
        told = {}
        if posterior is not None:
            draws, level = posterior
            ends = self._posterior(target, found, material, draws, level)
            told = {"posterior": {"level": level, "intervals": _named(target, found, ends)}}
        return Export(
            values,
            {
                "model": target.node,
                "values": values,
                "intervals": _named(
                    target, found, intervals(target, found, self.settings["visible"])
                ),
                **told,
                **measured,
                "lost": self._lost(found, material),
                "starts": found.starts,
            },
        )

    def _posterior(
        self, target: Target, found: Fit, material: np.ndarray, draws: np.ndarray, level: float
    ) -> np.ndarray:
        """Bounds (2, sought) that hold a share of the draws, each followed in the target's shader."""
        # Evenly spread among those there are.
        chosen = draws[np.linspace(0, len(draws) - 1, self.settings["draws"]).astype(int)]
        moves = [
            naive_numbers(target, each, found.mode) - naive_numbers(target, material, found.mode)
            for each in chosen
        ]
        pictures = self._material("stage").pixels(
            np.concatenate([material[None], chosen]), COARSE_PIXELS
        )
        numbers = follow(
            target,
            self._target("stage", target, found.mode),
            found,
            pictures[1:] - pictures[0],
            np.stack(moves),
        )
        ends = np.quantile(numbers, [(1 - level) / 2, (1 + level) / 2], axis=0)
        value = found.values[found.sought]
        return np.stack([np.minimum(ends[0], value), np.maximum(ends[1], value)])

    def _lost(self, found: Fit, material: np.ndarray) -> dict[str, float]:
        wanted = derivatives_by_inputs(self._material("stage"), material, self.settings["pixels"])
        shown = np.sqrt(np.mean(np.square(wanted), axis=0))
        return {
            name: round(float(share), 3)
            for name, share, levels in zip(
                PARAMETERS, lost_shares(found, wanted), shown, strict=True
            )
            if share > LOST_SHARE and levels > SHOWN
        }

    def _material(self, place: str) -> PixelRenderer:
        return self._renderer((place,), lambda stage: stage, len(PARAMETERS) + 1)

    def _translation(self, place: str, target: Target) -> PixelRenderer:
        return self._renderer(
            (place, target.name), lambda stage: translated_stage(stage, target, self.library), 1
        )

    def _target(self, place: str, target: Target, mode: Mode) -> PixelRenderer:
        return self._renderer(
            (place, target.name, target.modes.index(mode)),
            lambda stage: target_stage(stage, target, mode, self.library),
            len(target.columns) + 1 if place == "stage" else 1,
        )

    def _renderer(
        self, key: tuple, stage_of: Callable[[Stage], Stage], targets: int
    ) -> PixelRenderer:
        """A renderer that is made when it is first asked for; compiling takes seconds."""
        if key not in self._renderers:
            renderer = PixelRenderer(stage_of(self._stages[key[0]]), self._resources, targets)
            self._stack.callback(renderer.close)
            self._renderers[key] = renderer
        return self._renderers[key]

    def __enter__(self) -> "Exporter":
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()


def in_novel_light(stage: Stage) -> Stage:
    """The stage in daylight; in the studio if it is in daylight itself."""
    radiance = daylight()
    if np.array_equal(radiance, stage.radiance):
        radiance = studio()
    return replace(stage, radiance=radiance, irradiance=irradiance_map(radiance))


def _named(target: Target, found: Fit, bounds: np.ndarray) -> dict[str, list[float]]:
    names = np.array(target.columns)[found.sought]
    return {
        str(name): [round(float(end), DECIMALS) for end in ends]
        for name, ends in zip(names, bounds.T, strict=True)
    }


def _difference(truth: np.ndarray, renderer: PixelRenderer, values: np.ndarray) -> dict[str, float]:
    """RMS before rounding, levels of 255 over the object, and the mean of FLIP there."""
    pixels = renderer.pixels(values[None])[0]
    flip = flip_map(renderer.frame(truth), renderer.frame(pixels))[renderer.mask]
    return {
        "rms": round(float(np.sqrt(np.mean(np.square(pixels - truth, dtype=np.float64)))), 4),
        "flip": round(float(flip.mean(dtype=np.float64)), 5),
    }
