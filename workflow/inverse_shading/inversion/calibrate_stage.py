"""A stage's calibration: known materials are refined, their intervals held against the truth."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.inversion.calibration import (
    Calibration,
    measure_calibration,
    write_calibration,
)
from inverse_shading.inversion.known_images import (
    Ten,
    as_picture,
    known_pictures,
    validation_materials,
)
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.material.observable import UNKNOWNS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.runtime.artefacts import write_json
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.sections import Section, key
from inverse_shading.runtime.typed_json import read_section

Unknowns = Annotated[list[float], Field(min_length=UNKNOWNS, max_length=UNKNOWNS)]
Covariance = Annotated[list[Unknowns], Field(min_length=UNKNOWNS, max_length=UNKNOWNS)]


class RefinedKnownImage(Section):
    """What was found of the image of a known material."""

    id: str = key("The image's.")
    material: Ten = key("The known one.")
    u: Unknowns = key("What was found, see `observable`.")
    covariance: Covariance = key("Of u, before any scale.")
    score: float = key("Of what is left of the whole frame, see `misfit.Residual`.")


class RefinedKnownImages(Section):
    """A part of them."""

    images: list[RefinedKnownImage] = key("In the order of their ids.")


# What was found of an image: u and its covariance, and the score.
Found = tuple[tuple[np.ndarray, np.ndarray], float]


def refine_known_images(
    output: str | Path,
    stage: str | Path,
    part: ImageRange,
    data: DataFiles,
    config: Mapping,
    resources: Resources,
) -> None:
    """Refine a part of the first validation images, from fixed starts.

    No model has a part in it: where a search starts makes no difference to where it ends.

    Args:
        output: the JSON to write, see `RefinedKnownImages`.
        stage: what the images were rendered on.
        part: places of the images among the first validation images.
        data: framed images and their labels.
        config: framing, the config's section: image_size, margin, filter; settings, of its section
            `refinement` what a search depends on.
        resources: where to render.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    count = part.last + 1
    identifiers, true = validation_materials(data.parameters, data.splits, count)
    identifiers, true = identifiers[part.first :], true[part.first :]
    refiner = Refiner(
        stage,
        config["framing"],
        config["settings"],
        device=resources.device,
        threads=resources.threads,
    )
    # With another number of BLAS's threads, sums have other last digits.
    with refiner, threadpool_limits(1):
        logger.info("%d known materials on %s", len(true), refiner.driver)
        pictures = known_pictures(data.inputs, identifiers, refiner.weights)
        found = _refined(refiner, pictures, true, "image")
        content = [
            {
                "id": identifier,
                "material": values.tolist(),
                "u": u.tolist(),
                "covariance": covariance.tolist(),
                "score": score,
            }
            for identifier, values, ((u, covariance), score) in zip(
                identifiers, true, found, strict=True
            )
        ]
    write_json(output, {"images": content})


def calibrate(output: str | Path, parts: Sequence[str | Path], level: float) -> None:
    """Measure how far off what was found of known images is.

    Args:
        output: the JSON to write, see `calibration`.
        parts: written by `refine_known_images`, in order.
        level: share of truths that intervals are to hold.

    Raises:
        InputError: a part can't be read.
    """
    images = [
        image
        for part in parts
        for image in read_section(part, "refined known images", RefinedKnownImages).images
    ]
    found = [((np.array(one.u), np.array(one.covariance)), one.score) for one in images]
    true = np.array([image.material for image in images])
    write_calibration(output, _measured(found, true, level))


def measure_known(refiner: Refiner, count: int, seed: int, level: float) -> Calibration:
    """The same for a stage without a data set, on images of materials drawn as a data set's are.

    Args:
        refiner: of the stage, uncalibrated.
        count: how many materials.
        seed: of their values.
        level: share of truths that intervals are to hold.
    """
    true = sample_parameters(ImageRange(0, count - 1), seed)
    pictures = (as_picture(refiner.render(values), refiner.weights) for values in true)
    return _measured(list(_refined(refiner, pictures, true, "material")), true, level)


def _refined(
    refiner: Refiner, pictures: Iterable[FramedPicture], true: np.ndarray, what: str
) -> Iterator[Found]:
    pairs = zip(pictures, true, strict=True)
    for picture, values in progress(pairs, len(true), what):
        spread = refiner.spread(picture, refiner.solve(picture, None))
        # Of files that round, a whole frame hides least of what search and driver leave. A margin for
        # it is one for all. It is searched for as a user's picture is, since a second search from what
        # the first one found would leave less.
        whole = refiner.whole_frame(picture, values)
        score = refiner.residual(whole, refiner.solve(whole, None)).score
        yield spread, score


def _measured(found: Sequence[Found], true: np.ndarray, level: float) -> Calibration:
    spreads, scores = zip(*found, strict=True)
    return measure_calibration(spreads, true, level, scores)
