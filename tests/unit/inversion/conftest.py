"""A small stage, and what finds materials of its pictures."""

import pytest

from inverse_shading.inversion.refiner import Refiner
from tests.support.small_stage import FRAMING, SETTINGS, make_small_stage


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_small_stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def refiner(path):
    with Refiner(path, FRAMING, SETTINGS, device="cpu", threads=1) as refiner:
        yield refiner
