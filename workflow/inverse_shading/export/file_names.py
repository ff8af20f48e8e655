"""What the files of an exported material are called, by target."""

from collections.abc import Sequence

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.names import hint

# What follows a material's name, by target.
ENDINGS = {"openpbr": "_openpbr.mtlx", "gltf": ".glb", "usd": ".usda"}
CERTIFICATE = "_certificate.json"


def endings(targets: Sequence[str]) -> list[str]:
    """What follows a material's name in all files of its exports; nothing without targets."""
    return [*(ENDINGS[target] for target in targets), CERTIFICATE] if targets else []


def check_targets(targets: Sequence[str]) -> None:
    """Refuse names that are no targets, or none at all.

    Raises:
        InputError: naming them.
    """
    unknown = [name for name in targets if name not in ENDINGS]
    if unknown or not targets:
        raise InputError(
            f"--to: found {', '.join(unknown) or 'nothing'}, expected some of {', '.join(ENDINGS)}, "
            f"with commas between them{''.join(hint(name, ENDINGS) for name in unknown[:1]) or '.'} "
            "Correct it."
        )
