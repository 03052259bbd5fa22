"""`python -m benchmarks NAME...`: run benchmarks, print their figures, fail when an aim is missed."""

import argparse
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks import (
    backlog,
    crash,
    exactly_once,
    first_run,
    fold,
    handover,
    identify,
    ingest,
    isolation,
    latency,
    order,
    routing,
    simulation,
)
from benchmarks.measuring import Line, table

#: Every benchmark by its name on the command line.
BENCHMARKS: dict[str, Callable[[], list[Line]]] = {
    "first-run": first_run.run,
    "ingest": ingest.run,
    "fold": fold.run,
    "latency": latency.run,
    "handover": handover.run,
    "backlog": backlog.run,
    "order": order.run,
    "crash": crash.run,
    "isolation": isolation.run,
    "routing": routing.run,
    "simulation": simulation.run,
    "exactly-once": exactly_once.run,
    "identify": identify.run,
}


def main(arguments: list[str]) -> int:
    """Exit code 0 when every aim holds, 1 when one is missed, 2 for a name that is none."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="without a name: list them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if not chosen.names:
        print("\n".join(BENCHMARKS))
        return 0
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}")
    results = {name: _run(name) for name in chosen.names}
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return 0 if all(line.holds for lines in results.values() for line in lines) else 1


def _run(name: str) -> list[Line]:
    lines = BENCHMARKS[name]()
    print(f"\n{name}\n{table(lines)}", flush=True)
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
