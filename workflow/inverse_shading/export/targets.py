"""The shading models that a material is exported to, and which of their inputs are sought."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inverse_shading.material.parameters import (
    BASE,
    BASE_COLOR,
    METALNESS,
    ROUGHNESS,
    SPECULAR,
    SPECULAR_COLOR,
)

# Of a standard_surface whose specular_IOR is left at its default, and how much it reflects head-on.
IOR = 1.5
REFLECTANCE = ((IOR - 1) / (IOR + 1)) ** 2


@dataclass(frozen=True)
class Input:
    """An input of a target's shader that is sought.

    Attributes:
        name: in MaterialX.
        channels: 1 for a float, 3 for a colour (linear).
        low, high: the range that is searched.
        spare: whether it is sought only where the others don't suffice.
    """

    name: str
    channels: int = 1
    low: float = 0.0
    high: float = 1.0
    spare: bool = False

    @property
    def columns(self) -> list[str]:
        """Its numbers by name, a colour's by channel."""
        if self.channels == 1:
            return [self.name]
        return [f"{self.name}_{channel}" for channel in "rgb"]


@dataclass(frozen=True)
class Mode:
    """One of several ways in which a shader uses its inputs.

    Attributes:
        values: of whole-number inputs.
        idle: names of inputs without effect.
    """

    values: Mapping[str, int] = field(default_factory=dict)
    idle: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A shading model as MaterialX defines it.

    Attributes:
        name: as the command takes it.
        node: of the shader.
        translation: node of MaterialX's own graph that translates standard_surface to it.
        inputs: that are sought; all others have the defaults of the node's definition.
        modes: all are tried.
    """

    name: str
    node: str
    translation: str
    inputs: tuple[Input, ...]
    modes: tuple[Mode, ...] = (Mode(),)

    @property
    def columns(self) -> list[str]:
        """Names of the numbers that are sought."""
        return [column for given in self.inputs for column in given.columns]

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of each number."""
        low, high = (
            [getattr(i, end) for i in self.inputs for _ in i.columns] for end in ("low", "high")
        )
        return np.array(low), np.array(high)

    def sought(self, mode: Mode, spare: bool) -> np.ndarray:
        """bool (numbers): those that a mode uses; the spare ones only if they are wanted."""
        return np.array(
            [
                given.name not in mode.idle and (spare or not given.spare)
                for given in self.inputs
                for _ in given.columns
            ]
        )

    def by_input(self, values: np.ndarray, columns: np.ndarray | None = None) -> dict[str, Any]:
        """Numbers in the order of `columns` as floats, and lists of three, by input.

        Args:
            columns: bool (numbers), inputs to take; None for all.
        """
        result, place = {}, 0
        for given in self.inputs:
            numbers = [float(value) for value in values[place : place + given.channels]]
            if columns is None or columns[place]:
                result[given.name] = numbers[0] if given.channels == 1 else numbers
            place += given.channels
        return result

    def flat(self, values: Mapping[str, Any]) -> np.ndarray:
        """The inverse of `by_input`."""
        return np.concatenate([np.atleast_1d(values[given.name]) for given in self.inputs])


# base_weight is left at 1: only its product with base_color shows. The roughness of the diffuse part,
# the index of refraction, a coat and fuzz make up for what OpenPBR computes otherwise than
# standard_surface, at grazing angles above all.
OPENPBR = Target(
    "openpbr",
    "open_pbr_surface",
    "standard_surface_to_open_pbr_surface",
    (
        Input("base_color", 3),
        Input("base_metalness"),
        Input("base_diffuse_roughness"),
        Input("specular_weight"),
        Input("specular_color", 3),
        Input("specular_roughness"),
        Input("specular_ior", low=1.0, high=3.0),
        Input("coat_weight", spare=True),
        Input("coat_color", 3, spare=True),
        Input("coat_roughness", spare=True),
        Input("coat_ior", low=1.0, high=3.0, spare=True),
        Input("fuzz_weight", spare=True),
        Input("fuzz_color", 3, spare=True),
        Input("fuzz_roughness", spare=True),
    ),
)

# KHR_materials_specular sets no upper bound to the colour's factor. A sheen would come nearer yet, but
# renderers differ in theirs: Blender's Cycles showed seven of eight files further off with it.
GLTF = Target(
    "gltf",
    "gltf_pbr",
    "standard_surface_to_gltf_pbr",
    (
        Input("base_color", 3),
        Input("metallic"),
        Input("roughness"),
        Input("specular"),
        Input("specular_color", 3, high=4.0),
        Input("ior", low=1.0, high=3.0),
        Input("clearcoat", spare=True),
        Input("clearcoat_roughness", spare=True),
    ),
)

USD = Target(
    "usd",
    "UsdPreviewSurface",
    "standard_surface_to_UsdPreviewSurface",
    (
        Input("diffuseColor", 3),
        Input("specularColor", 3),
        Input("metallic"),
        Input("roughness"),
        Input("clearcoat", spare=True),
        Input("clearcoatRoughness", spare=True),
        Input("ior", low=1.0, high=3.0),
    ),
    (
        Mode({"useSpecularWorkflow": 0}, ("specularColor",)),
        Mode({"useSpecularWorkflow": 1}, ("metallic",)),
    ),
)


def starts(target: Target, values: np.ndarray, restarts: int) -> list[list[np.ndarray]]:
    """Where a material's constants are sought from: for each mode a naive mapping, then seeded places.

    Args:
        values: (10,) of the material.
        restarts: places after the naive mapping.
    """
    low, high = target.bounds
    shares = np.random.default_rng(0).uniform(0.1, 0.9, (restarts, len(low)))
    places = low + shares * (high - low)
    found = []
    for mode in target.modes:
        naive = naive_numbers(target, values, mode)
        first = target.sought(mode, spare=False)
        found.append([naive, *np.where(first, places, naive)])
    return found


def naive_numbers(target: Target, values: np.ndarray, mode: Mode) -> np.ndarray:
    """Numbers of a material (10,) by a mapping of inputs with the same meaning."""
    return target.flat(_naive(target, values, mode))


def _naive(target: Target, values: np.ndarray, mode: Mode) -> dict[str, Any]:
    """Numbers of the same meaning, without a look at what the target makes of them."""
    products = values[BASE] * values[BASE_COLOR]
    metalness, roughness = values[METALNESS], values[ROUGHNESS]
    specular, tint = values[SPECULAR], values[SPECULAR_COLOR]
    if target is OPENPBR:
        return {
            "base_color": products,
            "base_metalness": metalness,
            "base_diffuse_roughness": 0.0,
            "specular_weight": specular + (1 - specular) * metalness,
            "specular_color": tint,
            "specular_roughness": roughness,
            "specular_ior": IOR,
            "coat_weight": 0.0,
            "coat_color": np.ones(3),
            "coat_roughness": roughness,
            "coat_ior": IOR,
            "fuzz_weight": 0.0,
            "fuzz_color": np.ones(3),
            "fuzz_roughness": 0.5,
        }
    if target is GLTF:
        return {
            "base_color": products,
            "metallic": metalness,
            "roughness": roughness,
            "specular": specular,
            "specular_color": tint,
            "ior": IOR,
            "clearcoat": 0.0,
            "clearcoat_roughness": roughness,
        }
    dielectric = (1 - metalness) * REFLECTANCE * specular * tint
    return {
        "diffuseColor": products * (1 - metalness * mode.values["useSpecularWorkflow"]),
        "specularColor": dielectric + metalness * products,
        "metallic": metalness,
        "roughness": roughness,
        "clearcoat": 0.0,
        "clearcoatRoughness": roughness,
        "ior": IOR,
    }


TARGETS = {target.name: target for target in (OPENPBR, GLTF, USD)}
