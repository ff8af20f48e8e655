"""A stage file that a user names, checked, with what to do about it if it is none."""

from pathlib import Path

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.scene.stage_file import Stage, read_stage

REMEDY = (
    "Give a stage that `inverse-shading stage` or the workflow made, NAME.safetensors, with its "
    "checksum NAME.safetensors.sha256 beside it."
)


def read_given_stage(path: str | Path) -> Stage:
    """Read a stage file and check that it is whole.

    Raises:
        InputError: missing, no stage, or damaged; it names the file.
    """
    regular_file(path, "a stage file")
    try:
        return read_stage(path)
    except InputError as error:
        # Its own remedy is for what the workflow makes anew: to delete the file.
        told = str(error).partition(f" Delete {path} ")[0]
        raise InputError(f"{told} {REMEDY}") from error
