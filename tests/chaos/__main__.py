"""`./run chaos --seed N --calls C --minutes M`: calls under faults; prints what went wrong and how to play it again."""

import argparse
import asyncio
import json
import logging
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos.played import Run, commit, play
from tests.databases import folder


def main() -> int:
    """Play one run. The exit status is 1 when something is wrong after it."""
    options = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    options.add_argument("--seed", type=int, default=1, help="decides who calls and what goes wrong when")
    options.add_argument("--calls", type=int, default=100)
    options.add_argument("--minutes", type=float, default=2.0, help="real minutes over which the callers are spread")
    options.add_argument("--nodes", type=int, default=2, choices=(1, 2, 3))
    options.add_argument("--keep", type=Path, help="folder for the evidence; without it, it is thrown away")
    chosen = options.parse_args()
    run = Run(seed=chosen.seed, calls=chosen.calls, minutes=chosen.minutes, nodes=chosen.nodes)
    logging.disable(logging.CRITICAL)  # libraries report every fault that we make: the nodes have logs of their own
    with folder() as place:
        _say(f"SEED={run.seed} COMMIT={commit()} calls={run.calls} minutes={run.minutes:g} nodes={run.nodes}")
        found = asyncio.run(play(run, place, say=_say))
        _tell(json.loads((place / "run.json").read_text()), json.loads((place / "verdict.json").read_text()))
        if chosen.keep:
            shutil.copytree(place, chosen.keep, ignore=shutil.ignore_patterns("database", "wire*"), dirs_exist_ok=True)
    if found:
        _say(f"again: ./run chaos --seed {run.seed} --calls {run.calls} --minutes {run.minutes:g} --nodes {run.nodes}")
    return 1 if found else 0


def _tell(run: dict[str, Any], verdict: dict[str, Any]) -> None:
    for fault in run["faults"]:
        _say(f"  {fault['at']:7.2f} s  {fault['kind']}  {json.dumps(fault['how'])}")
    by_kind = dict(sorted(Counter(fault["kind"] for fault in run["faults"]).items()))
    found = verdict.pop("violations")
    _say(json.dumps({"faults": by_kind, "healed_s": run["healed_s"]} | verdict, indent=2))
    for each in found:
        _say(f"VIOLATION {each}")
    _say(f"faults={sum(by_kind.values())} calls={run['calls']} violations={len(found)}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
