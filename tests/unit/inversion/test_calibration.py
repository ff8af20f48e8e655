"""Calibration: what was made too sure is found too sure, and then intervals hold what they say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inverse_shading.inversion.calibration import (
    FIELDS,
    PARTS,
    UNCALIBRATED,
    WHOLE_RANGE,
    Calibration,
    _kinds_of,
    _stretches,
    measure_calibration,
    read_calibration,
    write_calibration,
)
from inverse_shading.inversion.posterior import draw
from inverse_shading.material.observable import U_SPECULAR, observables, unknowns
from inverse_shading.material.parameters import PARAMETERS, ROUGHNESS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal

LEVEL = 0.8
DEVIATION = 0.004
# How many times too small each part's deviations are said to be.
INFLATION = {"products": 3.0, "tints": 1.5, "specular": 2.0, "roughness": 6.0, "metalness": 1.0}
MEASURED = Calibration(
    {name: 1 + i / 7 for i, name in enumerate(PARTS)},
    {name: 0.5 + i / 3 for i, name in enumerate(PARAMETERS)},
    11,
)


def synthetic(generator, count):
    """What a search finds of random materials, its errors `INFLATION` times what it says."""
    true = generator.uniform(0.1, 0.9, size=(count, 10))
    vector = Calibration(INFLATION, {}, 0).scale_vector
    errors = generator.normal(0, DEVIATION * vector, size=(count, 9))
    spread = np.eye(9) * DEVIATION**2
    found = np.clip(observables(unknowns(true)) + errors, 0, 1)
    # Tints above their specular are nothing that a search can find.
    found[:, 3:6] = np.minimum(found[:, 3:6], found[:, [U_SPECULAR]])
    return [(u, spread) for u in found], true


@pytest.fixture(scope="module")
def measured():
    return measure_calibration(*synthetic(np.random.default_rng(1), 30), LEVEL)


def test_a_known_inflation_is_recovered(measured):
    assert measured.images == 30
    for name, inflation in INFLATION.items():
        assert measured.scales[name] == pytest.approx(inflation, rel=0.4), name


@pytest.mark.parametrize("count, whole", [(2, True), (3, True), (4, False)])
def test_too_few_images_for_a_level_give_the_whole_range(count, whole):
    found, true = synthetic(np.random.default_rng(3), count)
    measured = measure_calibration(found, true, LEVEL)
    assert (measured.factor_vector == WHOLE_RANGE).all() == whole
    assert np.isfinite(measured.scale_vector).all()
    draws = draw(*found[0])
    low, high = draws.interval(LEVEL, measured.factor_vector)
    assert ((low == 0).all() and (high == 1).all()) == whole


def test_kinds_say_nothing_where_images_are_too_few_for_the_level():
    """50 images are enough for kinds, and too few for 99 %."""
    found, true = synthetic(np.random.default_rng(3), 50)
    measured = measure_calibration(found, true, 0.99)
    for u, _ in found[:3]:
        assert (measured.factors_of(u) == WHOLE_RANGE).all()


def test_deviations_are_never_scaled_down():
    generator = np.random.default_rng(3)
    found, true = synthetic(generator, 2)
    sure = [(u, 900 * spread) for u, spread in found]
    assert set(measure_calibration(sure, true, LEVEL).scales.values()) == {1.0}


def test_intervals_then_hold_as_often_as_they_say_and_not_before(measured):
    found, true = synthetic(np.random.default_rng(2), 20)
    vector = measured.scale_vector
    held, before = [], []
    for (u, spread), truth in zip(found, true, strict=True):
        draws = draw(u, vector[:, None] * spread * vector)
        low, high = draws.interval(LEVEL, measured.factor_vector)
        held.append((truth >= low) & (truth <= high))
        # Of roughness they are symmetric: as narrow as they were without its scale.
        low, high = draws.interval(LEVEL, 1 / measured.scales["roughness"])
        before.append(low[5] <= truth[5] <= high[5])
    # A share of 20 scatters by 0.09, that over all inputs by less.
    assert np.mean(held) == pytest.approx(LEVEL, abs=0.08)
    np.testing.assert_allclose(np.mean(held, axis=0), LEVEL, atol=0.25)
    assert np.mean(before) < 0.5


def test_stretches_hold_the_share_within_each_kind():
    generator = np.random.default_rng(4)
    u = observables(unknowns(generator.uniform(size=(900, 10))))
    of_kind = _kinds_of(u)
    smooth, _, dark = of_kind.T[:3]
    # Smooth and dark materials are further off than is said of all, roughness of smooth ones more so.
    ratios = np.abs(generator.normal(size=(900, 10)))
    ratios *= np.where(smooth, 2, 1)[:, None] * np.where(dark, 3, 1)[:, None]
    ratios[smooth, ROUGHNESS] *= 4
    common, kinds, roughness_kinds = _stretches(ratios[:600], of_kind[:600], LEVEL)
    assert common == pytest.approx(1.28, rel=0.1)
    np.testing.assert_allclose(kinds, [2, 1, 3, 1, 1, 1], rtol=0.25)
    np.testing.assert_allclose(roughness_kinds[:2], [4, 1], rtol=0.6)
    assert (roughness_kinds[2:] == 1).all()
    calibration = replace(
        UNCALIBRATED,
        kinds=dict(zip(FIELDS, kinds, strict=True)),
        roughness_kinds=dict(zip(FIELDS, roughness_kinds, strict=True)),
    )
    factors = common * np.array([calibration.factors_of(one) for one in u[600:]])
    held, kind = ratios[600:] <= factors, of_kind[600:]
    for members in kind.T:
        assert held[members].mean() == pytest.approx(LEVEL, abs=0.06)
    for members in kind.T[:2]:
        assert held[members, ROUGHNESS].mean() == pytest.approx(LEVEL, abs=0.2)


def test_vectors_are_in_the_order_of_what_they_scale():
    vector = MEASURED.scale_vector
    for name, places in PARTS.items():
        assert (np.atleast_1d(vector[places]) == MEASURED.scales[name]).all()
    assert MEASURED.factor_vector.tolist() == list(MEASURED.factors.values())
    assert UNCALIBRATED.scale_vector.tolist() == [1] * 9
    assert UNCALIBRATED.factor_vector.tolist() == [1] * 10


@pytest.fixture
def path(tmp_path):
    write_calibration(tmp_path / "calibration.json", MEASURED)
    return tmp_path / "calibration.json"


def test_a_file_holds_it_to_the_last_digit(path):
    before = path.read_bytes()
    assert read_calibration(path) == MEASURED
    write_calibration(path, read_calibration(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("images"),
        lambda content: content["scales"].pop("tints"),
        lambda content: content["factors"].pop("metalness"),
        lambda content: content["margins"].update(units=[0.1, 0.2, 0.3]),
        lambda content: content["margins"]["deciles"].pop(),
        lambda content: content["factors"].update(base="wide"),
        lambda content: content["factors"].update(base=-1),
        lambda content: content["scales"].update(tints=float("nan")),
        lambda content: content.update(scales=[1, 2]),
    ],
    ids=[
        "images",
        "a part",
        "a parameter",
        "of a former version",
        "a decile",
        "text",
        "negative",
        "no number",
        "a list",
    ],
)
def test_a_file_of_another_form_is_refused_by_name(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    seal(path)
    with pytest.raises(InputError, match=r"calibration\.json: can't be read as a calibration"):
        read_calibration(path)
