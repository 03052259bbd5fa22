"""Imports point inwards only, and the linter that says so sees what it should see."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guards.sources import PACKAGE, ROOT

#: contract -> (module that does what it must not, the import it must not do)
PLANTS = {
    "core looks outwards": ("core/ids.py", "import cordpair.connectors.kit"),
    "privacy looks outwards": ("privacy/__init__.py", "import cordpair.store"),
    "the store looks at a connector": ("store/__init__.py", "import cordpair.connectors.kit"),
    "the engine looks at the web": ("engine/__init__.py", "import cordpair.web"),
    "telemetry looks outwards": ("telemetry/logs.py", "import cordpair.privacy"),
    "one connector knows another": ("connectors/one.py", "import cordpair.connectors.two"),
    "the emulator shares code": ("emulator/__init__.py", "import cordpair.core.ids"),
    "the engine starts the emulator": ("engine/__init__.py", "import cordpair.emulator"),
    "the core waits": ("core/call.py", "import asyncio"),
    "the core draws lots": ("core/routing.py", "import random"),
    "the core logs": ("core/agent.py", "import structlog"),
    "the web writes SQL": ("web/__init__.py", "import asyncpg"),
    "a module stands outside the rings": ("helpers.py", "import cordpair.errors"),
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter with the project's contracts on the package below `root`."""
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(program), "--no-logo", "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, without what is not Python, where a violation may be planted."""
    shutil.copytree(PACKAGE, tmp_path / "cordpair", ignore=shutil.ignore_patterns("__pycache__", "static", "*.sql"))
    for connector in ("one", "two"):
        (tmp_path / "cordpair" / "connectors" / f"{connector}.py").write_text("")
    return tmp_path


def test_imports_point_inwards_only() -> None:
    done = lint_imports(ROOT / "src")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("where", "line"), PLANTS.values(), ids=PLANTS.keys())
def test_a_planted_import_is_caught(copy: Path, where: str, line: str) -> None:
    module = copy / "cordpair" / where
    module.touch()
    with module.open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(copy)
    planted = "cordpair." + where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert done.returncode == 1, done.stdout + done.stderr
    assert planted in done.stdout
