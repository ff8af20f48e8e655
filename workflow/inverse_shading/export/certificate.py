"""How near an exported material looks, measured: on the stage it was fitted on and in another light."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import MaterialX as mx
import numpy as np

from inverse_shading.evaluation.image_difference import flip_map
from inverse_shading.export.refit import (
    Fit,
    derivatives_by_inputs,
    intervals,
    lost_shares,
    refit,
)
from inverse_shading.export.renders import PixelRenderer
from inverse_shading.export.shaders import target_stage, translated_stage
from inverse_shading.export.targets import Mode, Target, starts
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.built_in_lights import daylight, studio
from inverse_shading.scene.environment import irradiance_map
from inverse_shading.scene.stage_file import Stage

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

    Raises:
        InputError: the OpenGL driver can't be used. So does `export` if it fails.
    """

    def __init__(self, stage: Stage, resources: Resources, library: mx.Document):
        self._resources, self._library = resources, library
        self._stages = {"stage": stage, "novel": in_novel_light(stage)}
        self._stack = ExitStack()
        self._renderers: dict[tuple, PixelRenderer] = {}
        self.driver = self._material("stage").driver

    def export(self, target: Target, material: np.ndarray) -> Export:
        """Find the constants of a material (10,) and measure how near they look."""
        truths = {place: self._material(place).pixels(material[None])[0] for place in PLACES}
        fitted = [self._target("stage", target, mode) for mode in target.modes]
        found = refit(target, fitted, truths["stage"], starts(target, material))
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
        return Export(
            values,
            {
                "model": target.node,
                "values": values,
                "intervals": _named_intervals(target, found),
                **measured,
                "lost": self._lost(found, material),
                "starts": found.starts,
            },
        )

    def _lost(self, found: Fit, material: np.ndarray) -> dict[str, float]:
        wanted = derivatives_by_inputs(self._material("stage"), material)
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
            (place, target.name), lambda stage: translated_stage(stage, target, self._library), 1
        )

    def _target(self, place: str, target: Target, mode: Mode) -> PixelRenderer:
        return self._renderer(
            (place, target.name, target.modes.index(mode)),
            lambda stage: target_stage(stage, target, mode, self._library),
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


def _named_intervals(target: Target, found: Fit) -> dict[str, list[float]]:
    names = np.array(target.columns)[found.sought]
    return {
        str(name): [round(float(end), DECIMALS) for end in ends]
        for name, ends in zip(names, intervals(target, found).T, strict=True)
    }


def _difference(truth: np.ndarray, renderer: PixelRenderer, values: np.ndarray) -> dict[str, float]:
    """RMS before rounding, levels of 255 over the object, and the mean of FLIP there."""
    pixels = renderer.pixels(values[None])[0]
    flip = flip_map(renderer.frame(truth), renderer.frame(pixels))[renderer.mask]
    return {
        "rms": round(float(np.sqrt(np.mean(np.square(pixels - truth, dtype=np.float64)))), 4),
        "flip": round(float(flip.mean(dtype=np.float64)), 5),
    }
