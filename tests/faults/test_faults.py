"""A dozen faults, of as many kinds; `make test-faults` tries many more."""

import pytest

from tests.faults.catalogue import draw_faults
from tests.faults.harness import MISSED, UNCLEAR, WRONG, attempt_until_struck, can_mount
from tests.faults.predictions import draw_prediction_faults, predicted

SEED = 3
FAULTS = draw_faults(12, SEED)
PREDICTION_FAULTS = draw_prediction_faults(3, SEED)


TOO_LATE = "the job was over before the fault struck, however early: nothing was tried"


def check(fault, reference, folder, index):
    """Try a fault; whether it came too late."""
    if fault.mounts and not can_mount():
        pytest.skip("its disk or folder is a mount of its own, which this user may not make")
    outcome = attempt_until_struck(fault, reference, folder, [SEED, index])
    assert outcome.verdict not in (UNCLEAR, WRONG), outcome.notes
    return outcome.verdict == MISSED


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_nothing_wrong_comes_of_a_fault(finished, tmp_path, index):
    if check(FAULTS[index], finished, tmp_path / "trial", index):
        pytest.skip(TOO_LATE)


def test_nothing_wrong_comes_of_faults_of_predictions(finished, tmp_path):
    reference = predicted(finished, tmp_path / "reference")
    missed = [
        fault.name
        for index, fault in enumerate(PREDICTION_FAULTS)
        if check(fault, reference, tmp_path / f"{index}", index)
    ]
    if missed:
        pytest.skip(f"{', '.join(missed)}: {TOO_LATE}")
