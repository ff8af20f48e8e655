"""How materials look in other renderers, and what pictures of other renderers tell.

    python benchmarks/platforms.py --model results/models/pixel_components --output platforms.json

wants `pip install -e .[platforms]`, which is Mitsuba 3. `--blender PYTHON` names the Python of another
environment (`pip install bpy==5.0.1`, Python 3.11), since Blender wants another NumPy; without it the
rows of Cycles are left out.

First random materials are rendered on the built-in stage and found again: by the network where there is
a model, by refinement, and as exports. Mitsuba and Cycles render truth and answers in the stage's light
and view: the .glb as Blender imports it, all else by each model's own numbers in the renderer's
Principled BSDF. Then Mitsuba renders materials on a convex object and on the stage's, and refinement
inverts these pictures. `--materials`, `--inverted`, `--size` and `--samples` make it shorter.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np
import OpenEXR
from PIL import Image

from inverse_shading.config.own_stage import stage_settings
from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.evaluation.image_difference import flip_map
from inverse_shading.export.glb import glb_bytes
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.own_stage import make_own_stage
from inverse_shading.prediction.predict import predict_pictures
from inverse_shading.prediction.session import Options
from inverse_shading.render.frames import Renderer
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.triton import load_triton
from inverse_shading.scene.camera import place_camera
from inverse_shading.scene.exr_file import read_exr
from inverse_shading.scene.given_stage import read_given_stage
from inverse_shading.scene.mesh import load_mesh
from inverse_shading.scene.shader_ball import shader_ball
from inverse_shading.scene.srgb import srgb_encode

# Of materials that are in no data set, whose seeds are small.
SEED = 20261

# Longest path, with the camera's and the light's ends.
DEPTH = 8

# Materials in the picture.
SHOWN = 3


def main() -> int:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--materials", type=int, default=50, help="to find and to render elsewhere")
    parser.add_argument("--inverted", type=int, default=50, help="pictures of Mitsuba's an object")
    parser.add_argument("--size", type=int, default=448, help="side of pictures in pixels")
    parser.add_argument("--samples", type=int, default=256, help="paths a pixel")
    parser.add_argument("--frame-size", type=int, default=448, help="of the stage, without a model")
    parser.add_argument("--model", type=Path, help="of the built-in stage, for the network's rows")
    parser.add_argument("--blender", help="a Python that has bpy, for the rows of Cycles")
    parser.add_argument(
        "--folder", type=Path, help="keeps what was found; the same run goes on there"
    )
    parser.add_argument("--output", type=Path, help="JSON to write")
    parser.add_argument("--picture", type=Path, help="picture of both renderers to write")
    add_keep(parser)
    arguments = parser.parse_args()
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.folder or Path(folder), arguments, findings)
        report = {}
        if arguments.materials:
            report["elsewhere"] = bench.elsewhere()
        if arguments.inverted:
            report["inverted"] = {name: bench.inverted(name) for name in ("sphere", "builtin")}
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    findings.write(arguments.keep)
    return 0


class Bench:
    """Stages, their materials, and what was asked for."""

    def __init__(self, folder: Path, arguments: argparse.Namespace, findings: Findings):
        self.folder, self.given, self.findings = folder, arguments, findings
        folder.mkdir(parents=True, exist_ok=True)
        count = max(arguments.materials, arguments.inverted)
        self.materials = sample_parameters(ImageRange(0, count - 1), SEED)
        self.resources = Resources("auto", os.cpu_count())

    def scene(self, mesh: str) -> "Scene":
        """A stage of a mesh, in the studio."""
        size = self.given.frame_size
        framing = {"image_size": size // 2}
        settings = stage_settings(
            None, {"stage": {"mesh": mesh}, "render": {"frame_size": size}, "framing": framing}
        )
        path = self.folder / f"{Path(mesh).stem}.safetensors"
        make_own_stage(path, settings, self.resources)
        return Scene(path, settings["stage"], self.given, self.folder)

    def elsewhere(self) -> dict:
        """FLIP between truth and answers, as each renderer shows them."""

        model = self.given.model
        if model:
            load_triton()
            stage = model.parent.parent / "stage.safetensors"
            scene = Scene(stage, stage_settings(None, {})["stage"], self.given, self.folder)
        else:
            scene = self.scene("builtin")
        pictures = []
        with Renderer(scene.path, self.resources.device, self.resources.threads) as renderer:
            for index, material in enumerate(self.materials[: self.given.materials]):
                pictures.append(self.folder / f"material_{index}.png")
                save(pictures[-1], renderer.render(material))
        ways = {"refined": (True, ("openpbr", "gltf", "usd"))}
        if model:
            ways = {"network": (False, ())} | ways
        for way, (refine, exports) in ways.items():
            predict_pictures(
                pictures,
                model,
                self.folder / way,
                Options(refine=refine),
                None if model else scene.path,
                rendering=self.resources,
                exports=exports,
            )
        answers = [
            self._answers(picture.stem, index, ways) for index, picture in enumerate(pictures)
        ]
        own = [scene.shrunk(picture) for picture in pictures]
        report, shown = {}, {}
        for name, render in {"mitsuba": scene.mitsuba, "cycles": scene.cycles}.items():
            images = render(answers)
            if images is None:
                print("no --blender: no rows of Cycles", file=sys.stderr)
                continue
            shown[name] = images
            flips = {way: [] for way in ("this project", *list(answers[0])[1:])}
            for place, found in enumerate(images):
                others = {"this project": own[place]} | found
                for way in flips:
                    error = flip_map(found["truth"], others[way])[scene.mask]
                    flips[way].append(round(float(error.mean()), 4))
            report[name] = flips
        rows = [
            [name, way, f"{np.median(values):.3f}", f"{max(values):.3f}"]
            for name, flips in report.items()
            for way, values in flips.items()
        ]
        headers = ["renderer", "truth against", "FLIP, median", "largest"]
        self.findings.table("renderers", headers, rows, texts=2)
        if self.given.picture:
            rows = [
                np.concatenate(
                    [own[place]]
                    + [
                        shown[name][place][way]
                        for name in shown
                        for way in ("truth", "refined", "gltf")
                    ],
                    axis=1,
                )
                for place in range(min(SHOWN, len(own)))
            ]
            save(self.given.picture, np.concatenate(rows))
        return report

    def _answers(self, name: str, index: int, ways) -> dict[str, dict]:
        """The truth and each answer in the numbers of a Principled BSDF; the .glb as a file."""
        found = {"truth": standard(self.materials[index])}
        for way in ways:
            record = json.loads((self.folder / way / f"{name}.json").read_text())
            found[way] = standard([record["parameters"][each]["value"] for each in PARAMETERS])
        folder = self.folder / "refined"
        targets = json.loads((folder / f"{name}_certificate.json").read_text())["targets"]
        for target, convert in {"openpbr": openpbr, "gltf": gltf, "usd": usd}.items():
            found[target] = convert(targets[target]["values"])
        found["gltf"]["file"] = str(folder / f"{name}.glb")
        return found

    def inverted(self, mesh: str) -> dict:
        """Errors, coverage and verdicts of pictures that Mitsuba rendered."""

        given = mesh
        if mesh == "sphere":
            given = str(self.folder / "sphere.obj")
            write_sphere(Path(given))
        scene = self.scene(given)
        truths = self.materials[: self.given.inverted]
        folder = self.folder / f"pictures_{mesh}"
        folder.mkdir(exist_ok=True)
        renders = scene.mitsuba([{"truth": standard(truth)} for truth in truths], sprites=True)
        for index, found in enumerate(renders):
            save(folder / f"{index:03d}.png", found["truth"])
        output = self.folder / f"found_{mesh}"
        failures = predict_pictures(
            [folder], None, output, Options(), scene.path, rendering=self.resources
        ).failures
        records, errors, held = [], [], []
        for index, truth in enumerate(truths):
            path = output / f"{index:03d}.json"
            if path.exists():
                records.append(json.loads(path.read_text()))
                found = [records[-1]["parameters"][name] for name in PARAMETERS]
                errors.append(
                    [abs(each["value"] - t) for each, t in zip(found, truth, strict=True)]
                )
                held.append(
                    [each["low"] <= t <= each["high"] for each, t in zip(found, truth, strict=True)]
                )
        verdicts = [record.get("fit", {}).get("verdict", "none given") for record in records]
        print(f"\n{mesh}: {len(records)} pictures, {len(failures)} refused")
        rows = [
            [name, f"{error:.3f}", f"{100 * share:.0f} %"]
            for name, error, share in zip(
                PARAMETERS, np.mean(errors, axis=0), np.mean(held, axis=0), strict=True
            )
        ]
        headers = ["input", "mean absolute error", "within its interval"]
        self.findings.table(f"inverted_{mesh}", headers, rows)
        report = {
            "refused": len(failures),
            "rms": [record["difference"]["rms"] for record in records],
            "converged": sum(record["refinement"]["converged"] for record in records),
            "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
            "mean_absolute_errors": np.mean(errors, axis=0).round(4).tolist(),
            "held": np.mean(held, axis=0).round(4).tolist(),
        }
        print(
            f"\nRMS: median {np.median(report['rms']):.1f} levels of 255; converged: "
            f"{report['converged']}; verdicts: {report['verdicts']}"
        )
        return report


class Scene:
    """A stage as other renderers take it."""

    def __init__(self, path: Path, settings: Mapping, given: argparse.Namespace, folder: Path):

        self.path, self.given, self.folder = path, given, folder
        self.stage = read_given_stage(path)
        mesh = settings["mesh"]
        mesh = shader_ball() if mesh == "builtin" else load_mesh(mesh)
        self.camera = place_camera(*mesh.bounding_sphere(), **settings["camera"])
        self.center, _ = mesh.bounding_sphere()
        self.field_of_view = settings["camera"]["field_of_view"]
        self.object = folder / f"{path.stem}.ply"
        write_ply(self.object, mesh)
        self.glb = folder / f"{path.stem}.glb"
        self.glb.write_bytes(glb_bytes(self.stage.mesh, GREY))
        self.light = folder / f"{path.stem}_light.exr"
        # Blender's middle column is a quarter of the width further on.
        self.blender_light = folder / f"{path.stem}_blender_light.exr"
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        width = self.stage.radiance.shape[1]
        for file, shift in ((self.light, 0), (self.blender_light, width // 4)):
            turned = np.ascontiguousarray(np.roll(self.stage.radiance, shift, axis=1))
            OpenEXR.File(dict(header), {"RGB": turned}).write(str(file))
        self.mask = resized(255 * self.stage.mask.astype(np.uint8), given.size) > 127
        self.backdrop = resized(self.stage.background, given.size).astype(np.float32)

    def shrunk(self, picture: Path):
        """The project's own frame at the size of the others."""
        with Image.open(picture) as image:
            return resized(np.asarray(image), self.given.size)

    def mitsuba(self, answers: list[dict[str, dict]], sprites: bool = False) -> list[dict]:
        """Images uint8 (size, size, 3) on the backdrop; as sprites with alpha, (size, size, 4)."""
        import mitsuba

        mitsuba.set_variant("scalar_rgb")
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
        scene = {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": DEPTH, "hide_emitters": True},
            "light": {"type": "envmap", "filename": str(self.light)},
            "sensor": {
                "type": "perspective",
                "fov": self.field_of_view,
                "to_world": mitsuba.ScalarTransform4f().look_at(
                    origin=self.camera.position.tolist(),
                    target=self.center.tolist(),
                    up=[0, 1, 0],
                ),
                "film": {
                    "type": "hdrfilm",
                    "width": self.given.size,
                    "height": self.given.size,
                    "pixel_format": "rgba",
                    "rfilter": {"type": "box"},
                },
                "sampler": {"type": "independent", "sample_count": self.given.samples},
            },
        }

        def render(numbers: dict) -> np.ndarray:
            principled = {
                "type": "principled",
                "base_color": {"type": "rgb", "value": numbers["base_color"]},
                "metallic": numbers["metallic"],
                "roughness": numbers["roughness"],
                # It has no coloured reflection and no rough coat, and an index of 1 is none.
                "eta": max(1.001, index(reflectance(numbers["ior"]) * np.mean(numbers["tint"]))),
                "sheen": numbers["sheen"]["weight"] * np.mean(numbers["sheen"]["color"]),
            }
            shape = {
                "type": "ply",
                "filename": str(self.object),
                "material": {"type": "twosided", "material": principled},
            }
            loaded = mitsuba.load_dict(scene | {"shape": shape})
            return np.array(mitsuba.render(loaded, seed=0))

        done = []
        for found in answers:
            images = {way: render(numbers) for way, numbers in found.items()}
            done.append({way: self._encoded(image, sprites) for way, image in images.items()})
            print(
                f"\rMitsuba: {len(done)} of {len(answers)}  ", end="", file=sys.stderr, flush=True
            )
        return done

    def cycles(self, answers: list[dict[str, dict]]) -> list[dict] | None:
        """The same by Blender's Cycles, in a process of its own; None where there is no Blender."""
        if self.given.blender is None:
            return None

        jobs = [
            numbers | {"image": str(self.folder / f"cycles_{place}_{way}.exr")}
            for place, found in enumerate(answers)
            for way, numbers in found.items()
        ]
        description = {
            "light": str(self.blender_light),
            "glb": str(self.glb),
            "field_of_view": self.field_of_view,
            "view": self.camera.view.tolist(),
            "size": self.given.size,
            "samples": self.given.samples,
            "depth": DEPTH,
            "jobs": jobs,
        }
        path = self.folder / "cycles.json"
        path.write_text(json.dumps(description))
        script = str(Path(__file__).with_name("render_in_blender.py"))
        subprocess.run(
            [self.given.blender, script, str(path)], check=True, stdout=subprocess.DEVNULL
        )
        images = iter(jobs)
        done = []
        for found in answers:
            read = {way: read_exr(Path(next(images)["image"]), lambda *size: None) for way in found}
            done.append(
                {way: self._encoded(joined(*layers), False) for way, layers in read.items()}
            )
        return done

    def _encoded(self, image, sprite: bool):
        """A render, float (size, size, 4), linear and premultiplied, as 8 bits of sRGB."""

        alpha = np.clip(image[..., 3:], 0, 1)
        straight = image[..., :3] / np.maximum(alpha, 1e-6)
        colors = 255 * srgb_encode(np.clip(straight, 0, 1).astype(np.float32))
        if sprite:
            colors = np.concatenate([colors, 255 * alpha], axis=-1)
        else:
            colors = colors * alpha + self.backdrop * (1 - alpha)
        return np.rint(colors).astype(np.uint8)


# A material of gltf_pbr for the mesh alone.
GREY = {
    "base_color": [0.5, 0.5, 0.5],
    "metallic": 0.0,
    "roughness": 0.5,
    "specular": 1.0,
    "specular_color": [1.0, 1.0, 1.0],
    "ior": 1.5,
}


NO_COAT = {"weight": 0.0, "roughness": 0.0, "ior": 1.5}
NO_SHEEN = {"weight": 0.0, "color": [1.0, 1.0, 1.0], "roughness": 0.5}


def principled(
    base_color, metallic, roughness, f0, tint, coat: Mapping = NO_COAT, sheen: Mapping = NO_SHEEN
) -> dict:
    """Numbers of a Principled BSDF; `f0` is what the dielectric reflects head-on."""
    return {
        "base_color": [float(c) for c in base_color],
        "metallic": float(metallic),
        "roughness": float(roughness),
        "diffuse_roughness": 0.0,
        "ior": index(f0),
        "tint": [float(c) for c in tint],
        "coat": dict(coat),
        "sheen": dict(sheen),
    }


def layer(values: Mapping, prefix: str, default: Mapping) -> dict:
    """A layer's numbers as far as a target gives them, by names that begin alike."""
    return {key: values.get(f"{prefix}_{key}", value) for key, value in default.items()}


def reflectance(ior: float) -> float:
    """Of a dielectric, head-on."""
    return ((ior - 1) / (ior + 1)) ** 2


def index(f0: float) -> float:
    """The inverse of `reflectance`."""
    return float((1 + np.sqrt(f0)) / (1 - np.sqrt(f0)))


def standard(values) -> dict:
    """Of the ten inputs."""
    base, *color = values[:4]
    return principled(
        [base * c for c in color], values[9], values[5], reflectance(1.5) * values[4], values[6:9]
    )


def openpbr(values: Mapping) -> dict:
    """With its coat, and its fuzz as sheen, as the graph in open_pbr_surface.mtlx computes them."""
    coat = layer(values, "coat", NO_COAT)
    color, covered = np.array(values["base_color"]), coat["weight"]
    weight, metalness = values["specular_weight"], values["base_metalness"]
    # A weight below 1 darkens metal, and has no counterpart here. Less metal in a darker colour
    # reflects as much head-on, and the dielectric reflects less, of which there is more then.
    reflected = 1 - metalness + metalness * weight
    # A coat roughens what is below it, meets it with its own index, darkens it and colours it.
    rough = values["specular_roughness"]
    below = min(1, 2 * coat["roughness"] ** 4 + rough**4) ** 0.25
    ratio = values["specular_ior"] / coat["ior"]
    ior = mixed(values["specular_ior"], max(ratio, 1 / ratio), covered)
    kept = 1 - (1 - reflectance(coat["ior"])) / coat["ior"] ** 2
    darkening = (1 - kept) / (1 - color * reflected * kept)
    under = mixed(1, darkening, covered)
    under = under * mixed(1, np.array(values.get("coat_color", [1, 1, 1])), covered)
    numbers = principled(
        color * reflected * under,
        metalness * weight / reflected if reflected else 0.0,
        mixed(rough, below, covered),
        weight * reflectance(ior) * reflected,
        values["specular_color"] * under,
        coat,
        layer(values, "fuzz", NO_SHEEN),
    )
    return numbers | {"diffuse_roughness": values["base_diffuse_roughness"]}


def mixed(without, with_, share: float):
    """Between two numbers or colours."""
    return (1 - share) * without + share * with_


def gltf(values: Mapping) -> dict:
    """With all that its extensions say."""
    return principled(
        values["base_color"],
        values["metallic"],
        values["roughness"],
        values["specular"] * reflectance(values["ior"]),
        values["specular_color"],
        clearcoat(values, "clearcoat_roughness", NO_COAT["ior"]),
    )


def usd(values: Mapping) -> dict:
    """With its clearcoat, whose index is that of what it covers."""
    coat = clearcoat(values, "clearcoatRoughness", values["ior"])
    if values["useSpecularWorkflow"]:
        f0 = max(values["specularColor"])
        tint = [c / max(f0, 1e-6) for c in values["specularColor"]]
        return principled(values["diffuseColor"], 0, values["roughness"], f0, tint, coat)
    f0 = reflectance(values["ior"])
    return principled(
        values["diffuseColor"], values["metallic"], values["roughness"], f0, [1, 1, 1], coat
    )


def clearcoat(values: Mapping, roughness: str, ior: float) -> dict:
    """Of a target whose coat has no colour."""
    return {
        "weight": values.get("clearcoat", 0.0),
        "roughness": values.get(roughness, 0.0),
        "ior": ior,
    }


def resized(image, size: int):
    """uint8 (size, size) or (size, size, 3), averaged."""
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))


def joined(colors, alpha):
    """Colours and alpha in one array."""
    return np.concatenate([colors, alpha[..., None]], axis=-1)


def save(path: Path, image) -> None:
    """Write a picture."""
    Image.fromarray(image).save(path)


def write_ply(path: Path, mesh) -> None:
    """The mesh with its normals, in binary."""
    names = ["x", "y", "z", "nx", "ny", "nz"]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(mesh.positions)}"]
    header += [f"property float {name}" for name in names]
    header += [f"element face {len(mesh.triangles)}", "property list uchar int vertex_indices"]
    vertices = np.concatenate([mesh.positions, mesh.normals], axis=1).astype("<f4")
    faces = np.empty(len(mesh.triangles), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.triangles
    text = "\n".join([*header, "end_header", ""]).encode()
    path.write_bytes(text + vertices.tobytes() + faces.tobytes())


def write_sphere(path: Path) -> None:
    """A sphere, which no part of shadows another."""
    import trimesh

    trimesh.creation.icosphere(subdivisions=5).export(path)


if __name__ == "__main__":
    sys.exit(main())
