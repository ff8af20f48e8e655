"""A dozen faults, of as many kinds; `make test-faults` tries many more."""

import pytest

from tests.faults.catalogue import draw_faults
from tests.faults.harness import UNCLEAR, WRONG, attempt, can_mount

SEED = 3
FAULTS = draw_faults(12, SEED)


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_nothing_wrong_comes_of_a_fault(finished, tmp_path, index):
    fault = FAULTS[index]
    if fault.mounts and not can_mount():
        pytest.skip("its disk or folder is a mount of its own, which this user may not make")
    outcome = attempt(fault, finished, tmp_path / "trial", [SEED, index])
    assert outcome.verdict not in (UNCLEAR, WRONG), outcome.notes
