import numpy as np
import pytest

from inverse_shading.dataset.parameter_table import (
    read_parameters,
    sample_parameters,
    write_parameters,
)
from inverse_shading.dataset.ranges import ImageRange, image_ranges, parse_range
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError


def test_ten_inputs_in_the_poster_s_order():
    assert PARAMETERS[0] == "base" and PARAMETERS[-1] == "metalness" and len(PARAMETERS) == 10


def test_uniform_in_the_unit_interval():
    values = sample_parameters(ImageRange(0, 9999), seed=1)
    assert values.shape == (10000, 10) and values.min() >= 0 and values.max() <= 1
    # Variance of a uniform number is 1/12; correlation of independent ones is 0 within 4/sqrt(n).
    assert np.allclose(values.var(axis=0), 1 / 12, atol=0.003)
    assert np.abs(np.corrcoef(values.T) - np.eye(10)).max() < 0.04


def test_a_larger_set_keeps_its_first_shards():
    small = [sample_parameters(images, 7) for images in image_ranges(200, 100)]
    large = [sample_parameters(images, 7) for images in image_ranges(400, 100)]
    assert all((a == b).all() for a, b in zip(small, large[:2], strict=True))
    assert not (large[2] == large[1]).any()


def test_written_and_read_again_without_loss(tmp_path):
    path, images = tmp_path / "p.csv", ImageRange(500, 519)
    write_parameters(path, images, seed=1)
    table = read_parameters(path, images)
    assert (table[list(PARAMETERS)].to_numpy() == sample_parameters(images, 1)).all()
    assert list(table.index) == images.identifiers
    again = tmp_path / "q.csv"
    write_parameters(again, images, seed=1)
    assert again.read_bytes() == path.read_bytes()


def test_ranges():
    assert [str(images) for images in image_ranges(40, 20)] == ["000000-000019", "000020-000039"]
    assert parse_range("000500-000999") == ImageRange(500, 999)
    assert parse_range("1000000-1000499").identifiers[0] == "001000000"
    for text in ("0-1", "000010-000009", "a", "000000-000499/.."):
        with pytest.raises(InputError, match="not a range"):
            parse_range(text)
