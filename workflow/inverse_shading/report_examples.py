"""Images of the sample that two clearly different materials make, one for each reason."""

from dataclasses import dataclass

import numpy as np

from .reasons import REASONS
from .report_data import ReportData

# Levels of 255, root mean square: a render this near is the same image to the eye.
LOOKS_THE_SAME = 1.0


@dataclass(frozen=True)
class Example:
    """An image whose refined material looks the same as the true one and isn't.

    Attributes:
        reason: why the image doesn't tell them apart.
        row: its row of the sample.
    """

    reason: str
    row: int


def choose_examples(data: ReportData) -> list[Example]:
    """For each reason the image on which inputs are least known for it; each image once.

    Of the images whose refined render looks the same as the truth, that with the widest intervals:
    the largest sum of widths over the inputs that the image doesn't tell for this reason. A reason
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
