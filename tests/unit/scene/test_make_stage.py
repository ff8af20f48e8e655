"""The stage: camera, G-buffer, backdrop, and the file that holds them."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inverse_shading.material.document import SHADER_NAME
from inverse_shading.material.parameters import METALNESS, ROUGHNESS, SPECULAR
from inverse_shading.render.frames import Renderer
from inverse_shading.runtime.artefacts import read_description, read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal_path
from inverse_shading.scene import stage_file
from inverse_shading.scene.backdrop import paint_backdrop
from inverse_shading.scene.camera import place_camera
from inverse_shading.scene.gbuffer import rasterise
from inverse_shading.scene.make_stage import make_stage, stage_mesh, write_stage
from inverse_shading.scene.mesh import load_mesh
from inverse_shading.scene.opengl import create_context
from inverse_shading.scene.shader import (
    ASIN,
    ESSL_UNIFORMS,
    NATIVE_ASIN,
    RADIANCE,
    SHARING,
    pack_essl_pixel_stage,
    pack_pixel_stage,
    surface_shader,
)
from inverse_shading.scene.shader_ball import shader_ball
from inverse_shading.scene.stage_file import DESCRIPTION_KEY, read_stage, save_stage
from tests.support.meshes import OBJ, glb, gltf, torus, write_glb

SIZE = 64
CONFIG = {
    "mesh": "builtin",
    "environment": "builtin",
    "camera": {"azimuth": 0.0, "elevation": 20.0, "field_of_view": 25.0, "fill": 0.95},
    "background": [0.42, 0.43, 0.45],
}


@pytest.fixture(scope="module")
def stage():
    return make_stage(CONFIG, SIZE, 16, "cpu")


@pytest.fixture
def path(tmp_path, stage):
    path = tmp_path / "stage.safetensors"
    save_stage(path, stage)
    return path


def test_the_sphere_takes_its_share_of_the_frame():
    center, radius = np.array([1.0, 2.0, 3.0]), 0.7
    camera = place_camera(center, radius, 30.0, 50.0, 40.0, 0.8)
    points = np.random.default_rng(0).normal(size=(100_000, 3))
    points = center + radius * points / np.linalg.norm(points, axis=1, keepdims=True)
    clip = np.pad(points, ((0, 0), (0, 1)), constant_values=1) @ (camera.projection @ camera.view).T
    outline = clip[:, :3] / clip[:, 3:]
    np.testing.assert_allclose(np.abs(outline[:, :2]).max(axis=0), 0.8, atol=1e-3)
    assert np.abs(outline[:, 2]).max() < 1


def test_neither_a_stage_nor_a_frame_needs_x11(tmp_path):
    # In a process of its own: other tests load MaterialX's renderer, which links against X11.
    (tmp_path / "mesh.obj").write_text(OBJ)
    script = f"""
from pathlib import Path
from inverse_shading.render.frames import Renderer
from inverse_shading.scene.make_stage import write_stage
path = Path({str(tmp_path)!r}) / "stage.safetensors"
for mesh in (str(path.with_name("mesh.obj")), "builtin"):
    write_stage(path, {CONFIG!r} | {{"mesh": mesh}}, 32, 16, "cpu")
with Renderer(path, "cpu", threads=1) as renderer:
    renderer.render([0.5] * 10)
print(Path("/proc/self/maps").read_text())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert "libEGL" in done.stdout
    for library in ("libX11.so", "libGL.so", "libGLX", "PyMaterialXRender"):
        assert library not in done.stdout


@pytest.mark.parametrize(
    ("azimuth", "elevation", "direction"),
    [(0, 0, (0, 0, 1)), (90, 0, (1, 0, 0)), (-90, 0, (-1, 0, 0)), (0, 89, (0, 1, 0.017))],
)
def test_the_camera_stands_where_its_angles_say(azimuth, elevation, direction):
    camera = place_camera(np.zeros(3), 1.0, azimuth, elevation, 25.0, 0.9)
    towards = camera.position / np.linalg.norm(camera.position)
    np.testing.assert_allclose(towards, direction, atol=1e-3)


def test_the_surface_lies_on_the_rays_of_its_pixels(stage):
    mesh = shader_ball()
    camera = place_camera(*mesh.bounding_sphere(), **CONFIG["camera"])
    offset = stage.surface[0] - camera.position
    rays = camera.rays(SIZE)[stage.mask]
    sine = np.linalg.norm(np.cross(offset, rays), axis=1)
    sine /= np.linalg.norm(offset, axis=1) * np.linalg.norm(rays, axis=1)
    # A hundredth of a pixel, which spans 25 degrees / 64.
    assert sine.max() < np.radians(25 / SIZE) / 100


def test_the_surface_faces_the_viewer_and_fills_the_frame(stage):
    assert 0.3 < stage.mask.mean() < 0.6
    assert stage.surface.shape == (3, stage.mask.sum(), 3)
    assert stage.surface.dtype == np.float32
    assert np.isfinite(stage.surface).all()
    position, normal, _ = stage.surface
    towards = stage.view_position - position
    facing = (normal * towards).sum(axis=1) / np.linalg.norm(towards, axis=1)
    assert (facing > -0.1).all()
    # The object stands upright: its upper half has the ball, centred.
    rows, columns = np.nonzero(stage.mask)
    assert abs(columns.mean() - (SIZE - 1) / 2) < 1
    assert normal[rows < rows.mean(), 1].mean() > 0.2


def test_the_nearest_surface_is_seen(tmp_path):
    # Two triangles one behind the other; the farther one is drawn last.
    near = np.array([[-1, -1, 1], [1, -1, 1], [0, 1, 1]], np.float32)
    positions = np.concatenate([near, near * [1, 1, -1]]).astype(np.float32)
    faces = np.array([[0, 1, 2], [3, 4, 5]], np.uint32)
    path = tmp_path / "two.glb"
    path.write_bytes(glb(*gltf(positions, faces)))
    camera = CONFIG["camera"] | {"elevation": 0.0}
    made = make_stage(CONFIG | {"mesh": str(path), "camera": camera}, SIZE, 16, "cpu")
    assert np.median(made.surface[0, :, 2]) == pytest.approx(1)


def test_the_backdrop_is_calm_and_darker_under_the_object(stage):
    mesh = shader_ball()
    camera = place_camera(*mesh.bounding_sphere(), **CONFIG["camera"])
    backdrop = paint_backdrop(mesh, camera, CONFIG["background"], SIZE).astype(int)
    np.testing.assert_array_equal(backdrop, stage.background)
    assert backdrop.max() <= round(255 * max(CONFIG["background"]))
    below = np.nonzero(stage.mask[:, SIZE // 2])[0].max() + 1
    assert backdrop[below, SIZE // 2].mean() < 0.8 * backdrop[-1, 0].mean()
    steps = np.abs(np.diff(backdrop, axis=1))[~stage.mask[:, 1:] & ~stage.mask[:, :-1]]
    assert steps.max() < 30


def test_a_camera_under_the_floor_sees_an_even_backdrop():
    mesh = shader_ball()
    camera = place_camera(*mesh.bounding_sphere(), 0.0, -60.0, 25.0, 0.95)
    backdrop = paint_backdrop(mesh, camera, [0.5, 0.5, 0.5], 16)
    assert np.ptp(backdrop) == 0


def test_a_camera_that_sees_nothing_is_told():
    # One pixel in the middle of a ring that is seen from above.
    around = np.linspace(0, 2 * np.pi, 33)[:-1]
    inner = np.stack([np.cos(around), 0 * around, np.sin(around)], axis=1)
    mesh = shader_ball()
    seen = dataclasses.replace(
        mesh,
        positions=np.concatenate([inner, 1.001 * inner]).astype(np.float32),
        normals=np.tile(np.float32([0, 1, 0]), (64, 1)),
        tangents=np.tile(np.float32([1, 0, 0]), (64, 1)),
        texcoords=np.zeros((64, 2), np.float32),
        triangles=np.stack(
            [np.arange(32), (np.arange(32) + 1) % 32, np.arange(32) + 32], axis=1
        ).astype(np.uint32),
    )
    camera = place_camera(*seen.bounding_sphere(), 0.0, 89.0, 25.0, 0.9)
    context = create_context("cpu")
    with pytest.raises(InputError, match="sees nothing of the mesh"):
        rasterise(context, surface_shader().vertex_stage, seen, camera, 1)
    context.release()


def test_the_pixel_stage_is_the_generated_one_but_for_its_inputs():
    shader = surface_shader()
    generated = shader.pixel_stage.splitlines()
    # So many samples are not shared.
    packed = pack_pixel_stage(shader.pixel_stage, shader.uniforms, 1024).splitlines()
    changed = [line for line in generated if line not in packed]
    assert "in VertexData" in changed
    inputs = [line for line in changed if line.startswith("uniform")]
    # The other 33 inputs of standard_surface are constants with the values that they had.
    assert [line.replace("uniform", "const") for line in inputs] == [
        line for line in packed if line.startswith("const") and SHADER_NAME in line
    ]
    # The block of the vertices' data and its name; main moves to another line of the same text.
    assert len(changed) == len(inputs) + 2
    for name in shader.uniforms:
        assert sum(f" {name} = " in line and "uniform" in line for line in packed) == 1
    assert not any(line.startswith("in ") for line in packed)


def test_the_browser_s_pixel_stage_is_the_renderer_s_in_another_dialect(stage):
    declaration = re.compile(r"^(?:uniform|const) (\w+ \w+)(?: = .*)?;$", re.MULTILINE)
    texts = [
        declaration.sub(r"\1", text).split("\n#define material", 1)[1].replace(" ", "")
        for text in (stage.pixel_stage.replace(NATIVE_ASIN, ASIN), stage.essl_pixel_stage)
    ]
    # The order of the surface's members is the generators' own affair.
    lines = [sorted(filter(None, text.splitlines())) for text in texts]
    assert lines[0] == lines[1]
    uniforms = re.findall(r"^uniform \w+ (\w+)", stage.essl_pixel_stage, re.MULTILINE)
    assert {*stage.uniforms, *ESSL_UNIFORMS} < set(uniforms)
    # ESSL gives uniforms no values, and what says nothing of its precision a low one.
    assert not re.search(r"^uniform [^;]*=", stage.essl_pixel_stage, re.MULTILINE)
    assert stage.essl_pixel_stage.startswith("#version 300 es\nprecision highp float;")


def test_another_pixel_stage_than_expected_is_refused():
    shader = surface_shader()
    with pytest.raises(RuntimeError, match="expected"):
        pack_pixel_stage(shader.pixel_stage.replace("vec3 tangentWorld;", ""), shader.uniforms, 16)
    for change in ("in vec3 tangentWorld;\n", "precision highp float;\n", NATIVE_ASIN):
        essl = shader.essl_pixel_stage.replace(change, "")
        other = dataclasses.replace(shader, essl_pixel_stage=essl)
        with pytest.raises(RuntimeError, match="expected"):
            pack_essl_pixel_stage(other, 16)


@pytest.mark.parametrize("line", SHARING)
def test_another_way_to_sample_the_environment_is_refused(line):
    shader = surface_shader()
    function = RADIANCE.search(shader.pixel_stage)[0]
    other = shader.pixel_stage.replace(function, function.replace(line, f"{line}{line}", 1))
    with pytest.raises(RuntimeError, match="mx_environment_radiance"):
        pack_pixel_stage(other, shader.uniforms, 16)


@pytest.mark.parametrize("kind", ["builtin", "glTF"])
def test_shared_samples_change_no_byte_of_a_frame(kind, stage, tmp_path):
    if kind == "glTF":
        write_glb(tmp_path / "torus.glb", torus())
        config = CONFIG | {"mesh": str(tmp_path / "torus.glb"), "environment": "daylight"}
        stage = make_stage(config, SIZE, 16, "cpu")
    alone = dataclasses.replace(
        stage,
        pixel_stage=pack_pixel_stage(surface_shader().pixel_stage, stage.uniforms, 1024),
    )
    assert "shared_color[16]" in stage.pixel_stage and "shared" not in alone.pixel_stage
    materials = np.random.default_rng(0).random((12, 10))
    # One of the two reflections alone, a mirror, and none.
    materials[0, METALNESS] = materials[1, SPECULAR] = materials[2, ROUGHNESS] = 0
    materials[3, METALNESS] = 1
    materials[4, [SPECULAR, METALNESS]] = 0
    frames = []
    for number, each in enumerate((stage, alone)):
        save_stage(tmp_path / f"{number}.safetensors", each)
        with Renderer(tmp_path / f"{number}.safetensors", "cpu") as renderer:
            frames.append([renderer.render(material) for material in materials])
    np.testing.assert_array_equal(frames[0], frames[1])


def test_the_file_holds_the_stage(path, stage):
    read = read_stage(path)
    given, held = (vars(each) | each.mesh._asdict() for each in (stage, read))
    assert given.pop("mesh") and held.pop("mesh")
    for name, expected in given.items():
        np.testing.assert_array_equal(held[name], expected, err_msg=name)
        if isinstance(expected, np.ndarray):
            assert held[name].dtype == expected.dtype, name
    assert read.frame_size == SIZE


def test_a_file_without_a_mesh_is_read_as_before(path, stage):
    save_stage(path, dataclasses.replace(stage, mesh=None))
    assert read_description(path, key=DESCRIPTION_KEY)["version"] == 3
    assert not {name for name in read_tensors(path, "numpy") if name.startswith("mesh_")}
    read = read_stage(path)
    assert read.mesh is None
    np.testing.assert_array_equal(read.surface, stage.surface)


def test_the_mesh_of_a_stage_has_the_vertices_that_triangles_use():
    ball = shader_ball()
    spare = np.concatenate([np.zeros((5, 3), np.float32), ball.positions])
    wider = dataclasses.replace(
        ball,
        positions=spare,
        normals=np.concatenate([ball.normals[:5], ball.normals]),
        triangles=ball.triangles + np.uint32(5),
    )
    for found, expected in zip(stage_mesh(wider), stage_mesh(ball), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    mesh = stage_mesh(wider)
    np.testing.assert_array_equal(mesh.positions[mesh.triangles], ball.positions[ball.triangles])


def test_the_file_has_the_same_bytes_every_time(path, tmp_path):
    again = tmp_path / "again.safetensors"
    write_stage(again, CONFIG, SIZE, 16, "cpu")
    assert again.read_bytes() == path.read_bytes()


def test_a_failure_on_the_way_leaves_what_was_there(path, stage, monkeypatch):
    before = path.read_bytes()

    def fail(target, content):
        target.write_text("half of")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(InputError, match=r"stage\.safetensors.*No space left"):
        save_stage(path, stage)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path, seal_path(path)]


def test_a_file_of_another_version_is_refused(path, stage, monkeypatch):
    monkeypatch.setattr(stage_file, "VERSION", stage_file.VERSION + 1)
    with pytest.raises(InputError, match="version 4, expected 5"):
        read_stage(path)


@pytest.mark.parametrize(
    "name, change, message",
    [
        ("mask", lambda mask: None, r"found nothing as mask, expected uint8"),
        ("mask", lambda mask: mask[:, :-1], r"as mask, expected uint8"),
        (
            "mask",
            lambda mask: 1 - mask,
            r"found the surface of \d+ pixels, expected \d+ as in mask",
        ),
        ("surface", lambda surface: surface[:, :-1], r"found the surface of \d+ pixels, expected"),
        ("surface", lambda surface: surface.astype(np.float64), r"found float64 .* as surface"),
        ("surface", lambda surface: surface * np.nan, r"not a finite number in surface"),
        ("radiance", lambda radiance: radiance[..., :2], r"as radiance, expected float32"),
        ("background", lambda background: background[:-1], r"as background, expected uint8"),
        ("view_position", lambda position: position / 0, r"not a finite number in view_position"),
        ("pixel_stage", lambda text: text | 255, r"found a shader that is no text"),
        ("essl_pixel_stage", lambda text: text | 255, r"found a shader that is no text"),
        ("essl_pixel_stage", lambda text: None, r"found nothing as essl_pixel_stage"),
        (
            "mesh_positions",
            lambda positions: positions * np.inf,
            r"not a finite number in mesh_pos",
        ),
        ("mesh_normals", lambda normals: normals[:-1], r"as mesh_normals, expected float32"),
        ("mesh_triangles", lambda triangles: None, r"found nothing as mesh_triangles"),
        ("mesh_triangles", lambda places: places + np.uint32(1), r"found vertex \d+ in mesh_tri"),
        ("environment_samples", lambda samples: 0, r"found 0 environment_samples"),
        ("environment_samples", lambda samples: "16", r"found '16' environment_samples"),
        ("uniforms", lambda uniforms: [], r"found no uniforms"),
        ("uniforms", lambda uniforms: {"base": [10]}, r"found no uniforms"),
        ("materialx_version", lambda version: None, r"found no materialx_version"),
        ("version", lambda version: 3, r"found mesh_normals, mesh_positions, mesh_triangles, exp"),
        ("version", lambda version: None, r"found a stage file of version None"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_was_sealed_but_is_no_stage_is_refused(path, tmp_path, name, change, message):
    tensors = read_tensors(path, "numpy")
    description = read_description(path, key=DESCRIPTION_KEY)
    part = tensors if name in tensors else description
    part[name] = change(part[name])
    if part[name] is None:
        del part[name]
    broken = tmp_path / "broken.safetensors"
    write_tensors(broken, tensors, description, DESCRIPTION_KEY)
    with pytest.raises(InputError, match=rf"broken\.safetensors: .*{message}"):
        read_stage(broken)


def test_a_users_mesh_and_light(tmp_path):
    mesh = tmp_path / "mesh.glb"
    mesh.write_bytes(glb(*gltf()))
    light = tmp_path / "light.hdr"
    pixels = np.full((4, 8, 4), [128, 64, 32, 129], np.uint8)
    light.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 8\n" + pixels.tobytes())
    made = make_stage(CONFIG | {"mesh": str(mesh), "environment": str(light)}, 32, 4, "cpu")
    np.testing.assert_allclose(made.radiance, np.broadcast_to([1.0, 0.5, 0.25], (4, 8, 3)))
    corners = load_mesh(mesh).positions
    assert made.surface[0].min() >= corners.min() - 1e-6
    assert made.environment_samples == 4
