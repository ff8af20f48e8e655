"""All kinds of inputs."""

from tests.fuzz import artefacts, configurations, meshes, named_cases, pictures

DRAWN = pictures.KINDS | meshes.KINDS | configurations.KINDS | artefacts.KINDS
KINDS = DRAWN | named_cases.KINDS
