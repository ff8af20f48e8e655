"""Tries many inputs and reports what came of them: `make test-fuzz`."""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.fuzz.harness import FAILURES, VERDICTS, Input, Outcome, portion, run
from tests.fuzz.kinds import KINDS
from tests.fuzz.named_cases import BOMBS


def main() -> int:
    """Returns 1 if any input was taken wrongly, or ended in anything but a clear refusal."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10000, help="inputs to draw (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn")
    parser.add_argument("--group", help="this row of the table alone")
    parser.add_argument("--kind", help="this kind alone")
    parser.add_argument("--only", type=int, help="this number of the kind alone")
    parser.add_argument("--processes", type=int, default=2, help="side by side (default 2)")
    parser.add_argument("--report", type=Path, help="file for the table, in Markdown")
    arguments = parser.parse_args()
    chosen = {
        name: kind
        for name, kind in KINDS.items()
        if arguments.kind in (None, name) and arguments.group in (None, kind.group)
    }
    if not chosen:
        parser.error("found no such kind")
    inputs = portion(chosen, arguments.count, arguments.seed)
    if arguments.only is not None:
        inputs = [Input(arguments.kind, arguments.only, arguments.seed)]
    outcomes, bombs, started = defaultdict(list), {}, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as shared:
        for number, (one, outcome) in enumerate(run(inputs, Path(shared), arguments.processes), 1):
            outcomes[KINDS[one.kind].group].append(outcome)
            if KINDS[one.kind].group == BOMBS:
                bombs[one.kind] = outcome
            if outcome.verdict in FAILURES or arguments.only is not None:
                again = f"--kind {one.kind!r} --only {one.number} --seed {one.seed}"
                print(f"{outcome.verdict}: {again}\n  {outcome.note}", flush=True)
            if number % 500 == 0:
                print(f"[{number}/{len(inputs)}]", flush=True)
    table = format_table(outcomes) + format_bombs(bombs)
    print(f"\n{table}\n{time.monotonic() - started:.0f} s")
    if arguments.report:
        arguments.report.write_text(table, encoding="utf-8")
    return int(any(one.verdict in FAILURES for found in outcomes.values() for one in found))


def format_table(outcomes: dict[str, list[Outcome]]) -> str:
    """A row a group of kinds, and the sum."""
    rows = outcomes | {"**all**": [outcome for found in outcomes.values() for outcome in found]}
    lines = [
        f"| input | tried | {' | '.join(VERDICTS)} | longest, s | peak, MB |",
        "|---|" + "---:|" * (3 + len(VERDICTS)),
    ]
    for group, found in rows.items():
        counts = Counter(outcome.verdict for outcome in found)
        cells = [len(found), *(counts[verdict] for verdict in VERDICTS)]
        cells += [f"{max(one.seconds for one in found):.1f}", max(one.peak for one in found) >> 20]
        lines.append(f"| {group} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def format_bombs(outcomes: dict[str, Outcome]) -> str:
    """A row a bomb, if there are any: what it took."""
    lines = ["", "| bomb | verdict | s | peak, MB |", "|---|---|---:|---:|"] if outcomes else []
    for name, (verdict, _, seconds, peak) in outcomes.items():
        lines.append(f"| {name} | {verdict} | {seconds:.1f} | {peak >> 20} |")
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
