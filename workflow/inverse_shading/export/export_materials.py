"""Materials to files of other platforms, each with a certificate of how near it looks."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading import __version__
from inverse_shading.export.certificate import Export, Exporter
from inverse_shading.export.documents import materialx_text, usd_text
from inverse_shading.export.file_names import CERTIFICATE, ENDINGS, check_targets
from inverse_shading.export.glb import glb_bytes
from inverse_shading.export.targets import GLTF, OPENPBR, TARGETS
from inverse_shading.material.document import standard_library
from inverse_shading.material.given_material import read_given_material
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import atomic_path, read_seal
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.output_folder import make_folder
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.given_stage import read_given_stage
from inverse_shading.scene.stage_file import Stage

# Bytes; a certificate has some thousand.
LARGEST_CERTIFICATE = 2**20


def export_materials(
    materials: Sequence[str | Path],
    targets: Sequence[str],
    stage: str | Path,
    output: str | Path,
    resources: Resources = Resources("auto", 1),  # noqa: B008
    settings: Mapping | None = None,
) -> None:
    """Export materials of the ten inputs to other platforms.

    For each NAME.mtlx there are then NAME_openpbr.mtlx, NAME.glb and NAME.usda, as targets ask for, and
    NAME_certificate.json. Only files that this certificate lists are overwritten, or removed where
    their target isn't asked for again.

    Args:
        targets: names among `targets.TARGETS`.
        stage: a file written by `make_stage.write_stage`.
        output: folder to write into.
        resources: where to render; no number depends on the threads.
        settings: see `settings.Exports`; None for the shipped ones.

    Raises:
        InputError: a target is unknown, a material or the stage can't be used, glTF is asked for
            of a stage without a mesh, a file is in the way or can't be written, or nothing can render.
    """
    check_targets(targets)
    library = standard_library()
    values = {Path(path): read_given_material(path, library) for path in materials}
    shown = read_given_stage(stage)
    check_mesh(targets, stage, shown)
    output = Path(output)
    for path in values:
        _check_free(path.stem, output, targets, [stage, *values])
    if len({path.stem for path in values}) < len(values):
        raise InputError(
            "found two materials of one name, expected different names. Rename one, or give them one "
            "at a time with another --output."
        )
    # Now, since a fit takes its time.
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in values}
    make_folder(output)
    with Exporter(shown, resources, library, settings) as exporter:
        for path, material in values.items():
            origin = {
                "version": __version__,
                "material": path.name,
                "material_sha256": digests[path],
                "stage_sha256": read_seal(stage),
                "renderer": f"MaterialX {mx.getVersionString()}, {exporter.driver}",
            }
            _write(path.stem, output, export_files(exporter, path, material, targets, origin))


def check_mesh(targets: Sequence[str], path: str | Path, stage: Stage) -> None:
    """Check that a stage has a mesh where a target holds it.

    Args:
        path: of the stage, for messages.

    Raises:
        InputError: it is a file of an older version, without one.
    """
    if GLTF.name in targets and stage.mesh is None:
        raise InputError(
            f"{path}: found no mesh in the stage file, which is of an older version, expected one for "
            f"{GLTF.name}. Make the stage anew, with `inverse-shading stage` or the workflow, or leave "
            f"{GLTF.name} out of --to."
        )


def export_files(
    exporter: Exporter,
    path: Path,
    material: np.ndarray,
    targets: Sequence[str],
    origin: Mapping[str, str],
    posterior: tuple[np.ndarray, float] | None = None,
) -> dict[str, bytes]:
    """Find a material's constants; the contents of all its files by name, the certificate last.

    Args:
        path: NAME.mtlx, after which the files are called.
        origin: what made them of what, by name.
        posterior: see `Exporter.export`.

    Raises:
        InputError: the driver failed.
    """
    found = {name: exporter.export(TARGETS[name], material, posterior) for name in targets}
    _report(path, found, exporter.settings["held"])
    contents = {}
    for target, export in found.items():
        if target == OPENPBR.name:
            content = materialx_text(OPENPBR.node, export.values, exporter.library).encode()
        elif target == GLTF.name:
            content = glb_bytes(exporter.mesh, export.values)
        else:
            content = usd_text(material, export.values).encode()
        contents[f"{path.stem}{ENDINGS[target]}"] = content
    certificate = {
        "made_by": dict(origin),
        "files": list(contents),
        "material": dict(zip(PARAMETERS, material.tolist(), strict=True)),
        "settings": exporter.settings,
        "targets": {target: export.certificate for target, export in found.items()},
    }
    text = json.dumps(certificate, indent=2, allow_nan=False) + "\n"
    return contents | {f"{path.stem}{CERTIFICATE}": text.encode()}


def _write(name: str, output: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files of a material, the certificate first, so that it names all that are there."""
    former = set(_named(output / f"{name}{CERTIFICATE}") or [])
    left = {f"{name}{ending}" for ending in ENDINGS.values()} & former - contents.keys()
    with ExitStack() as stack:
        # What is entered last is put in place first.
        for file, content in contents.items():
            stack.enter_context(atomic_path(output / file)).write_bytes(content)
        # As long as the former certificate still names them.
        for file in left:
            (output / file).unlink(missing_ok=True)


def _report(path: Path, found: Mapping[str, Export], held: float) -> None:
    for target, export in found.items():
        measured = export.certificate["stage"]
        logger.info(
            "%s: %s off by RMS %.2f levels of 255 (MaterialX's translation: %.2f) on the stage, "
            "%.2f in another light",
            path.name,
            target,
            export.rms,
            measured["translation"]["rms"],
            export.certificate["novel"]["refitted"]["rms"],
        )
        if export.rms > held:
            lost = ", ".join(export.certificate["lost"]) or "nothing by itself"
            logger.warning(
                "%s: %s can't hold this material; of its inputs it can't follow: %s",
                path.name,
                target,
                lost,
            )


def _check_free(
    name: str, output: Path, targets: Sequence[str], read: Sequence[str | Path]
) -> None:
    """Check that nothing is overwritten but what a former run wrote for this material.

    Raises:
        InputError: naming the file.
    """
    certificate = output / f"{name}{CERTIFICATE}"
    named = _named(certificate)
    own = {certificate, *(output / file for file in named)} if named is not None else set()
    inputs = {os.path.realpath(path) for path in read}
    for path in [*(output / f"{name}{ENDINGS[target]}" for target in targets), certificate]:
        if os.path.realpath(path) in inputs:
            raise InputError(
                f"{path}: would take the place of a file that is read. Give another folder as --output."
            )
        if os.path.lexists(path) and path not in own:
            raise InputError(
                f"{path}: found a file that no certificate of this material names, so it isn't "
                "overwritten. Move or delete it, or give another folder as --output."
            )


def _named(certificate: Path) -> list[str] | None:
    """The files that a certificate lists; None where there is none."""
    try:
        if not certificate.is_file() or certificate.stat().st_size > LARGEST_CERTIFICATE:
            return None
        content = json.loads(certificate.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    files = content.get("files") if isinstance(content, dict) and "made_by" in content else None
    return [file for file in files if isinstance(file, str)] if isinstance(files, list) else None
