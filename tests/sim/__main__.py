"""`./run sim --seeds N`: simulated days of the engine under faults; prints what went wrong and how to play it again."""

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import structlog

from tests.sim.plan import Plan
from tests.sim.run import Result, Simulation

#: Counts that are faults, as the journal and the line call them.
FAULTS = (
    "killed", "stalled", "restarted", "database away", "hiccups", "weather", "lost", "doubled", "late",
    "answer of a webhook lost", "line away", "line limited", "line done_and_503", "line answer_lost",
    "line request_lost",
)  # fmt: skip
BATCH = 20  #: seeds between two lines of print


def main() -> int:
    """Play the seeds. The exit status is 1 when something is wrong in one of them."""
    options = argparse.ArgumentParser(prog="./run sim", description=__doc__)
    options.add_argument("--seeds", type=int, default=20, help="how many")
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--hours", type=float, default=24.0, help="virtual hours of callers in each")
    options.add_argument("--calls", type=float, default=12.0, help="calls an hour")
    options.add_argument("--faults", type=float, default=1.0, help="how often things break, against the usual")
    options.add_argument("--jobs", type=int, default=1, help="processes")
    chosen = options.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of texts are gone through in the same order everywhere
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    plans = [
        Plan(seed=seed, hours=chosen.hours, calls_per_hour=chosen.calls, faults=chosen.faults)
        for seed in range(chosen.first, chosen.first + chosen.seeds)
    ]
    return 1 if _play(plans, chosen.jobs) else 0


def _play(plans: list[Plan], jobs: int) -> int:
    """Play all plans; returns how many went wrong."""
    wrong = 0
    batch: list[Result] = []
    begun = time.monotonic()
    with multiprocessing.Pool(jobs) as pool:
        for number, result in enumerate(pool.imap(played, plans), 1):
            wrong += bool(result.violations)
            batch.append(result)
            _tell_violations(result, plans[number - 1])
            if number % BATCH == 0 or number == len(plans):
                _tell(batch, time.monotonic() - begun)
                batch, begun = [], time.monotonic()
    _say(f"{len(plans)} seeds, {wrong} with violations")
    return wrong


def played(plan: Plan) -> Result:
    """One run, without a word in any log."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    return Simulation(plan).run()


def _tell_violations(result: Result, plan: Plan) -> None:
    if not result.violations:
        return
    _say(f"SEED={result.seed} COMMIT={_commit()} JOURNAL={result.journal}")
    for each in result.violations:
        _say(f"  VIOLATION {each}")
    _say(
        f"  again: ./run sim --first {plan.seed} --seeds 1 --hours {plan.hours:g} "
        f"--calls {plan.calls_per_hour:g} --faults {plan.faults:g}"
    )


def _tell(batch: list[Result], took_s: float) -> None:
    counts: Counter[str] = Counter()
    for result in batch:
        counts.update(result.counts)
    virtual_s = sum(result.virtual_s for result in batch)
    faults = sum(counts[name] for name in FAULTS)
    wrong = sum(len(result.violations) for result in batch)
    _say(
        f"seeds {batch[0].seed}-{batch[-1].seed}: {virtual_s / 3600:.0f} virtual hours in {took_s:.0f} s "
        f"({virtual_s / max(took_s, 0.001):.0f} times real time, {sum(it.cpu_s for it in batch):.0f} s of CPU), "
        f"{counts['calls']} calls, {counts['events']} events, {counts['orders']} effects, {faults} faults, "
        f"{wrong} violations"
    )


def _commit() -> str:
    answer = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "unknown"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
