"""A dozen faults, of as many kinds; `make test-faults` tries many more."""

import pytest

from tests.faults.catalogue import draw_faults
from tests.faults.harness import MISSED, UNCLEAR, WRONG, attempt_until_struck, can_mount
from tests.faults.predictions import draw_prediction_faults, predicted

SEED = 3
FAULTS = draw_faults(12, SEED)
PREDICTION_FAULTS = draw_prediction_faults(3, SEED)


def check(fault, reference, folder, index):
    if fault.mounts and not can_mount():
        pytest.skip("its disk or folder is a mount of its own, which this user may not make")
    outcome = attempt_until_struck(fault, reference, folder, [SEED, index])
    assert outcome.verdict not in (UNCLEAR, WRONG, MISSED), outcome.notes


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_nothing_wrong_comes_of_a_fault(finished, tmp_path, index):
    check(FAULTS[index], finished, tmp_path / "trial", index)


def test_nothing_wrong_comes_of_faults_of_predictions(finished, tmp_path):
    reference = predicted(finished, tmp_path / "reference")
    for index, fault in enumerate(PREDICTION_FAULTS):
        check(fault, reference, tmp_path / f"{index}", index)
