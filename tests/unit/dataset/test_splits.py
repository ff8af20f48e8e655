import numpy as np
import pytest

from inverse_shading.dataset.ranges import ImageRange, image_ranges
from inverse_shading.dataset.splits import SPLITS, draw_split, read_split, split_sizes, write_split
from inverse_shading.runtime.errors import InputError
from tests.support.synthetic import FRACTIONS


@pytest.mark.parametrize(
    "size, expected", [(20, (13, 3, 4)), (500, (325, 75, 100)), (100_000, (65_000, 15_000, 20_000))]
)
def test_sizes_are_exact(size, expected):
    assert tuple(split_sizes(size, FRACTIONS).values()) == expected


@pytest.mark.parametrize(
    "size, fractions, message",
    [
        (30, FRACTIONS, r"split.train: 0.65 of shard_size 30 is 19.5"),
        (500, FRACTIONS | {"test": 0.3}, r"is 1.1; the three shares must add up to 1"),
        (20, {"train": 0.99, "validation": 0.005, "test": 0.005}, "split.train"),
    ],
)
def test_impossible_shares_are_refused(size, fractions, message):
    with pytest.raises(InputError, match=message):
        split_sizes(size, fractions)


def test_every_shard_has_the_exact_sizes_and_its_own_order():
    draws = [draw_split(images, FRACTIONS, seed=1) for images in image_ranges(300, 100)]
    for draw in draws:
        assert [draw.count(name) for name in SPLITS] == [65, 15, 20]
    assert draws[0] != draws[1] != draws[2]


def test_the_draw_depends_on_seed_and_range_alone():
    images = ImageRange(500, 599)
    assert draw_split(images, FRACTIONS, 1) == draw_split(images, FRACTIONS, 1)
    assert draw_split(images, FRACTIONS, 1) != draw_split(images, FRACTIONS, 2)


def test_the_split_says_nothing_about_the_parameters():
    """The two streams of random numbers of one seed and range must not be the same numbers."""
    from inverse_shading.dataset.parameter_table import sample_parameters

    images = ImageRange(0, 1999)
    test = np.array(draw_split(images, FRACTIONS, 1)) == "test"
    means = sample_parameters(images, 1)[test].mean(axis=0)
    # 400 uniform numbers: standard error 0.0144; four of them.
    assert np.abs(means - 0.5).max() < 0.058


def test_written_and_read_again(tmp_path):
    images = ImageRange(100, 199)
    path = tmp_path / "split.csv"
    write_split(path, images, FRACTIONS, seed=3)
    table = read_split(path, images)
    assert list(table) == draw_split(images, FRACTIONS, seed=3)
    assert table.index[0] == "000000100"
