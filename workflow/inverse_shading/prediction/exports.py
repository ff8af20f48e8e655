"""Files of other platforms beside each material that is found for a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.given_stage import read_given_stage

if TYPE_CHECKING:
    from inverse_shading.prediction.output_files import Prediction


class PictureExporter:
    """Exports the materials of pictures of one stage, one after the other.

    Args:
        targets: see `file_names.check_targets`.
        stage: a file written by `make_stage.write_stage`.
        rendering: where to render; no number depends on the threads.
        settings: see `export.settings.Exports`.

    Raises:
        InputError: the stage can't be used, or glTF is asked for and it has no mesh.
    """

    def __init__(
        self,
        targets: Sequence[str],
        stage: str | Path,
        rendering: Resources,
        settings: Mapping,
    ):
        # Here, since they take long to load and are wanted by few.
        from inverse_shading.export.certificate import Exporter
        from inverse_shading.export.export_materials import check_mesh
        from inverse_shading.material.document import standard_library

        self._targets, shown = targets, read_given_stage(stage)
        check_mesh(targets, stage, shown)
        self._make = lambda: Exporter(shown, rendering, standard_library(), settings)

    def files(
        self, material: Path, prediction: "Prediction", origin: Mapping[str, str]
    ) -> dict[str, bytes]:
        """Contents of all files of a picture's material by name, see `export_files`.

        Intervals are those of the picture's posterior where it was refined.

        Args:
            material: where it lies.
            origin: who made it of what, by name.

        Raises:
            InputError: the driver failed.
        """
        from inverse_shading.export.export_materials import export_files

        estimate = prediction.estimate
        posterior = None if estimate.draws is None else (estimate.draws, prediction.level)
        origin = {**origin, "material": material.name}
        return export_files(
            self._exporter,
            material,
            estimate.material,
            self._targets,
            origin,
            posterior,
        )

    def __enter__(self) -> "PictureExporter":
        self._exporter = self._make()
        return self

    def __exit__(self, *error) -> None:
        self._exporter.__exit__(*error)
