"""The command: ``python -m benchmarks.faults``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import randrange

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.leftovers import adopt_orphans
from benchmarks.faults.runs import Fault
from benchmarks.faults.table import LEGEND, blemish_list, fault_table
from benchmarks.faults.verdict import Tally, blemishes, is_bad
from benchmarks.faults.warden import attempt

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the faults; 1 if any was not withstood."""
    options = _parser().parse_args(arguments)
    chosen = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    adopt_orphans()
    print(f"seed {options.seed}")
    tallies = [_attempt(fault, options) for fault in chosen]
    texts = [fault.text for fault in chosen]
    print("\n".join([LEGEND, "", fault_table(zip(texts, tallies, strict=True))]))
    if amiss := blemish_list(tallies):
        print(f"\n{amiss}")
    if options.json:
        _save(options.json, options.seed, tallies)
    return int(any(map(is_bad, tallies)))


def _attempt(fault: Fault, options: argparse.Namespace) -> Tally:
    n_runs = fault.n_quick if options.quick else fault.n_runs
    print(f"{fault.name}: {fault.text}, {n_runs} runs", file=sys.stderr, flush=True)
    return attempt(fault, n_runs, options.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, in under two minutes")
    parser.add_argument("--only", type=_names, metavar="NAME", help="faults, comma between")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every run there")
    parser.add_argument(
        "--seed", type=int, default=randrange(1 << 32), help="of the random moments, to repeat them"
    )
    return parser


def _names(text: str) -> list[str]:
    known = [fault.name for fault in FAULTS]
    names = text.split(",")
    for name in names:
        if name not in known:
            message = f"fault {name!r} is not known (known: {', '.join(known)})"
            raise argparse.ArgumentTypeError(message)
    return names


def _save(path: Path, seed: int, tallies: Sequence[Tally]) -> None:
    saved = [
        {
            "fault": tally.fault,
            "amiss": list(blemishes(tally)),
            "runs": [run._asdict() for run in tally.runs],
        }
        for tally in tallies
    ]
    path.write_text(json.dumps({"seed": seed, "faults": saved}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
