"""Resolves pyproject.toml into the hash-pinned files of requirements/: `./run lock`, with --upgrade to newer releases.

The files name no index: each machine brings its own. The larger ones are constrained by the smaller ones, so that all
levels agree on every version.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("requirements")
#: level -> what it takes of pyproject.toml, smallest first
LEVELS: dict[str, list[str]] = {
    "runtime": ["pyproject.toml"],
    "demo": ["pyproject.toml", "--extra", "embedded", "--group", "build"],
    "test": ["pyproject.toml", "--extra", "embedded", "--extra", "tracing", "--group", "build", "--group", "test"],
}
HOW = ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--universal"]


def resolve(level: str, wanted: list[str], smaller: list[str], options: list[str]) -> None:
    """Write requirements/{level}.lock. Raises CalledProcessError when there is no solution."""
    target = FOLDER / f"{level}.lock"
    constraints = [word for name in smaller for word in ("--constraint", str(FOLDER / f"{name}.lock"))]
    command = ["uv", "pip", "compile", "--quiet", *HOW, "--python-version", "3.11", *wanted, *constraints, *options]
    subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:], "--output-file", str(target)],
        cwd=ROOT,
        check=True,
    )
    print(f"{target}: {sum(line[:1].isalnum() for line in (ROOT / target).read_text().splitlines())} packages")


def main(options: list[str]) -> None:
    done: list[str] = []
    for level, wanted in LEVELS.items():
        resolve(level, wanted, done, options)
        done.append(level)
    resolve("bootstrap", [str(FOLDER / "bootstrap.in")], [], options)


if __name__ == "__main__":
    main(sys.argv[1:])
