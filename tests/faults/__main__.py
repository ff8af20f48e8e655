"""Tries many faults and reports what came of them: `make test-faults`."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.catalogue import draw_faults
from tests.faults.harness import (
    ITS_OWN,
    MISSED,
    REFUSED,
    SURVIVED,
    UNCLEAR,
    WRONG,
    Outcome,
    attempt_until_struck,
    can_mount,
)
from tests.faults.predictions import draw_prediction_faults, predicted
from tests.support.project import TINY, run_whole

VERDICTS = [SURVIVED, REFUSED, ITS_OWN, UNCLEAR, WRONG]


def main() -> int:
    """Returns 1 if any fault ended in a wrong result, or in an error without a remedy."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--count", type=int, default=72, help="faults of the workflow (default 72)")
    parser.add_argument("--predictions", type=int, default=9, help="of predictions (default 9)")
    parser.add_argument("--seed", type=int, default=1, help="of what is tried, and when")
    parser.add_argument("--report", type=Path, help="file for the table, in Markdown")
    arguments = parser.parse_args()
    if not can_mount():
        parser.error("small disks and read-only folders are mounted, which this user may not do")
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        print("an undisturbed run for comparison", flush=True)
        reference = run_whole(Path(folder) / "reference", TINY)
        materials = predicted(reference, Path(folder) / "predicted")
        faults = [(fault, reference) for fault in draw_faults(arguments.count, arguments.seed)]
        of_predictions = draw_prediction_faults(arguments.predictions, arguments.seed)
        faults += [(fault, materials) for fault in of_predictions]
        for index, (fault, undisturbed) in enumerate(faults):
            trial = Path(folder) / f"{index:03d}"
            outcome = attempt_until_struck(fault, undisturbed, trial, [arguments.seed, index])
            outcomes.append(outcome)
            notes = "; ".join(outcome.notes)
            print(
                f"[{index + 1}/{len(faults)}] {fault.name}: {outcome.verdict} "
                f"({outcome.seconds:.0f} s){'; ' + notes if notes else ''}",
                flush=True,
            )
    tried = [outcome for outcome in outcomes if outcome.verdict != MISSED]
    table = format_table(tried)
    print(f"\n{table}")
    if arguments.report:
        arguments.report.write_text(table, encoding="utf-8")
    return int(any(outcome.verdict in (UNCLEAR, WRONG) for outcome in outcomes))


def format_table(outcomes: list[Outcome]) -> str:
    """A row a group of faults, and the sum."""
    groups = sorted({outcome.fault.group for outcome in outcomes})
    counts = {
        group: Counter(outcome.verdict for outcome in outcomes if outcome.fault.group == group)
        for group in groups
    }
    counts["**all**"] = Counter(outcome.verdict for outcome in outcomes)
    lines = [
        f"| fault | tried | {' | '.join(VERDICTS)} |",
        "|---|" + "---:|" * (1 + len(VERDICTS)),
    ]
    for group, count in counts.items():
        cells = [str(count.total()), *(str(count[verdict]) for verdict in VERDICTS)]
        lines.append(f"| {group} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
