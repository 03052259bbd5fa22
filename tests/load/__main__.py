"""`./run load [--minutes M]`: the load of a large installation; prints what it cost, fails when a limit is missed."""

import argparse
import sys

import msgspec
import uvloop

from benchmarks.measuring import table
from tests.chaos.played import commit
from tests.databases import folder
from tests.load.day import Load, loaded


def main() -> int:
    """Play it. The exit status is 1 when something is wrong after it, or too slow."""
    options = argparse.ArgumentParser(prog="./run load", description=__doc__)
    for name, default in msgspec.to_builtins(Load()).items():
        options.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    load = Load(**vars(options.parse_args()))
    _say(f"COMMIT={commit()} {' '.join(f'{name}={value}' for name, value in msgspec.to_builtins(load).items())}")
    with folder() as place:
        lines = uvloop.run(loaded(load, place, _say))
    _say(table(lines))
    return 0 if all(line.holds for line in lines) else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
