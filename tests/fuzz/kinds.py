"""All kinds of inputs."""

from tests.fuzz import artefacts, configurations, meshes, pictures

KINDS = pictures.KINDS | meshes.KINDS | configurations.KINDS | artefacts.KINDS
