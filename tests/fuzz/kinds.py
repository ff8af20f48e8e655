"""All kinds of inputs."""

from tests.fuzz import meshes, pictures

KINDS = pictures.KINDS | meshes.KINDS
