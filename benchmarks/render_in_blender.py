"""Renders what benchmarks/platforms.py describes with Blender's Cycles.

A process and an environment of its own: Blender wants another NumPy than the project.
"""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import bpy
from mathutils import Matrix


def render(path: Path) -> None:
    """Render the jobs of a description."""
    given = json.loads(path.read_text())
    loaded = None
    # What has a file comes last: all others are numbers for the first, which takes seconds to load.
    for job in sorted(given["jobs"], key=lambda job: job.get("file", "")):
        file = job.get("file", given["glb"])
        if file != loaded:
            load(file, given)
            loaded = file
        if "file" not in job:
            for material in bpy.data.materials:
                set_principled(material, job)
        bpy.context.scene.render.filepath = job["image"]
        bpy.ops.render.render(write_still=True)


def load(file: str, given: Mapping) -> None:
    """The scene with the object of a .glb in the stage's light and view."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    for addon in ("cycles", "io_scene_gltf2"):
        bpy.ops.preferences.addon_enable(module=addon)
    bpy.ops.import_scene.gltf(filepath=file)
    scene = bpy.context.scene
    # glTF's up is y, Blender's is z: its import turns the mesh, and the camera is turned likewise.
    turn = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.angle = given["field_of_view"] * math.pi / 180
    camera.matrix_world = turn @ Matrix(given["view"]).inverted()
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    nodes = scene.world.node_tree.nodes
    texture = nodes.new("ShaderNodeTexEnvironment")
    texture.image = bpy.data.images.load(given["light"])
    background = next(node for node in nodes if node.type == "BACKGROUND")
    scene.world.node_tree.links.new(texture.outputs["Color"], background.inputs["Color"])
    scene.render.engine = "CYCLES"
    scene.cycles.samples = given["samples"]
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.max_bounces = given["depth"]
    scene.render.resolution_x = scene.render.resolution_y = given["size"]
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"


def set_principled(material, numbers: Mapping) -> None:
    """The numbers in Blender's Principled BSDF."""
    inputs = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED").inputs
    inputs["Base Color"].default_value = (*numbers["base_color"], 1)
    inputs["Metallic"].default_value = numbers["metallic"]
    inputs["Roughness"].default_value = numbers["roughness"]
    inputs["Diffuse Roughness"].default_value = numbers["diffuse_roughness"]
    inputs["IOR"].default_value = numbers["ior"]
    inputs["Specular IOR Level"].default_value = 0.5
    inputs["Specular Tint"].default_value = (*numbers["tint"], 1)
    coat, sheen = numbers["coat"], numbers["sheen"]
    inputs["Coat Weight"].default_value = coat["weight"]
    inputs["Coat Roughness"].default_value = coat["roughness"]
    inputs["Coat IOR"].default_value = coat["ior"]
    inputs["Sheen Weight"].default_value = sheen["weight"]
    inputs["Sheen Tint"].default_value = (*sheen["color"], 1)
    inputs["Sheen Roughness"].default_value = sheen["roughness"]


if __name__ == "__main__":
    render(Path(sys.argv[1]))
