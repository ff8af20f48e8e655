"""Rendering one range of materials into a shard."""

from collections.abc import Iterator
from pathlib import Path

from inverse_shading.dataset.parameter_table import read_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.shards import Sample, write_shard
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.render.frames import Renderer
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress


def render_shard(
    path: str | Path,
    stage: str | Path,
    parameters: str | Path,
    images: ImageRange,
    device: str | int,
    threads: int,
) -> None:
    """Render the materials of a range on a stage.

    Args:
        path: the tar to write, see `shards.write_shard`.
        stage: from `make_stage.write_stage`.
        parameters: from `parameter_table.write_parameters`.
        device: where to render: auto, cpu, or the number of an EGL device.
        threads: threads of Mesa's software rasteriser; on a GPU without effect.

    Raises:
        InputError: a damaged input, no driver, or a frame that came out wrong twice.
    """
    table = read_parameters(parameters, images)
    with Renderer(stage, device, threads) as renderer:
        logger.info("%d materials on %s", len(table), renderer.driver)

        def samples() -> Iterator[Sample]:
            rows = zip(table.index, table[list(PARAMETERS)].to_numpy(), strict=True)
            for identifier, values in progress(rows, len(table), "image"):
                try:
                    frame = renderer.render(values)
                except InputError as error:
                    raise InputError(f"{path}: image {identifier}: {error}") from error
                yield identifier, values, frame

        write_shard(path, samples())
