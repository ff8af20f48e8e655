"""The report's gallery: test images beside renders of what every predictor says of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inverse_shading.evaluation.metrics import image_errors
from inverse_shading.evaluation.novel_images import read_novel_images
from inverse_shading.evaluation.views import Views
from inverse_shading.inversion.reasons import REASONS
from inverse_shading.material.kinds import material_kinds
from inverse_shading.report.page.data import ReportData
from inverse_shading.report.page.look_alikes import look_alikes
from inverse_shading.report.page.renders import View, encode_view, picture_side, render_materials
from inverse_shading.report.ranks import even_ranks

# Levels of 255, root mean square: a render this near is the same image to the eye.
LOOKS_THE_SAME = 1.0


@dataclass(frozen=True)
class Example:
    """An image whose refined material looks the same as the true one and isn't.

    Attributes:
        reason: why the image leaves inputs undetermined.
        row: its row of the sample.
    """

    reason: str
    row: int


def choose_examples(data: ReportData) -> list[Example]:
    """For each reason the image on which inputs are least determined for it; each image once.

    Of the images whose refined render looks the same as the truth, that with the widest intervals:
    the largest sum of widths over the inputs that are undetermined for this reason. A reason
    that no such image has is left out.
    """
    width = data.intervals.high - data.intervals.low
    same = data.appearance[data.refined]["rms"].to_numpy() <= LOOKS_THE_SAME
    examples: list[Example] = []
    for reason in REASONS:
        open_width = np.where(data.intervals.reason == reason, width, 0).sum(axis=1)
        open_width[~same] = 0
        open_width[[example.row for example in examples]] = 0
        row = int(open_width.argmax())
        if open_width[row] > 0:
            examples.append(Example(reason, row))
    return examples


# The views, by the prefix that their errors have in appearance.csv.
STAGE, NOVEL = "", "novel_"


@dataclass(frozen=True)
class Tile:
    """What one predictor says of one image.

    Attributes:
        predictor: its name.
        render, map: data URIs by view.
        errors: mse (of the ten inputs), rms, psnr, ssim, flip and the novel_ ones.
    """

    predictor: str
    render: dict[str, str]
    map: dict[str, str]
    errors: dict[str, float]


@dataclass(frozen=True)
class Card:
    """One image.

    Attributes:
        identifier: its id.
        row: its row of the sample.
        kinds: of its true material, see `material_kinds`.
        truth: data URIs by view.
        tiles: one a predictor.
        alternatives: (k, 10) materials that look like the refined one, see `look_alikes`.
    """

    identifier: str
    row: int
    kinds: list[str]
    truth: dict[str, str]
    tiles: list[Tile]
    alternatives: np.ndarray


@dataclass(frozen=True)
class Gallery:
    """Cards of the gallery, sorted from the best to the worst, and of the examples.

    `side` is that of the pictures in pixels.
    """

    cards: list[Card]
    examples: list[tuple[Example, Card]]
    side: int


def make_gallery(data: ReportData, views: Views, count: int) -> Gallery:
    """Choose images, render what the predictors say of them, and encode it all.

    The gallery's images stand at even ranks of the best model's FLIP; one alone is the median.

    Args:
        data: of the sample.
        views: the images of the sample, and both stages.
        count: images to show; all of the sample if there are fewer.

    Raises:
        InputError: an image or a stage can't be read, or nothing can render.
    """
    shown = even_ranks(data.appearance[data.best]["flip"].to_numpy(), count).tolist()
    examples = choose_examples(data)
    rows = sorted({*shown, *(example.row for example in examples)})
    materials = {name: values[rows] for name, values in data.materials.items()}
    # Truths, renders and maps, in two views.
    side = picture_side(2 * len(rows) * (1 + 2 * len(materials)), views.framing["image_size"])

    truths = views.pick([data.sample[row] for row in rows])
    with views.renderer(views.stage) as renderer:
        renders = render_materials(renderer, materials)
    encoded = {STAGE: encode_view(truths, renders, side)}
    novel = read_novel_images(views.novel_images, data.sample, views.framing["image_size"])
    with views.renderer(views.novel_stage) as renderer:
        renders = render_materials(renderer, materials)
    truths = list(novel[rows])
    encoded[NOVEL] = encode_view(truths, renders, side)

    found = materials[data.refined]
    alternatives = look_alikes(found, views.stage, views.framing, views.resources)
    cards = {
        row: _card(data, encoded, alternatives[place], place, row) for place, row in enumerate(rows)
    }
    return Gallery(
        [cards[row] for row in shown],
        [(example, cards[example.row]) for example in examples],
        side,
    )


def _card(
    data: ReportData, views: Mapping[str, View], alternatives: np.ndarray, place: int, row: int
) -> Card:
    tiles = []
    for predictor, table in data.appearance.items():
        squared, _ = image_errors(data.true[[row]], data.guesses[predictor][[row]])
        tiles.append(
            Tile(
                predictor,
                {name: view.renders[predictor][place] for name, view in views.items()},
                {name: view.maps[predictor][place] for name, view in views.items()},
                {"mse": float(np.round(squared[0], 6))} | table.iloc[row].to_dict(),
            )
        )
    truth = {name: view.truths[place] for name, view in views.items()}
    kinds = [kind for kind, found in material_kinds(data.true[row]).items() if found]
    return Card(data.sample[row], row, kinds, truth, tiles, alternatives)
