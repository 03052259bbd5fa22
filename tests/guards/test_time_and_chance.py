"""Nobody asks the time or draws lots: both are passed in. Ruff looks; this makes sure that it does."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guards.sources import ROOT

PLANTS = {
    "the wall clock": "import time\n\nprint(time.time())\n",
    "the wall clock by another name": "from time import time as now\n\nprint(now())\n",
    "today": "from datetime import datetime, UTC\n\nprint(datetime.now(UTC))\n",
    "a sleep": "import asyncio\n\nasyncio.run(asyncio.sleep(1))\n",
    "a sleep of its own name": "from asyncio import sleep\n\nsleep(1)\n",
    "chance": "import random\n\nprint(random.choice([1]))\n",
    "a random id": "from uuid import uuid4\n\nprint(uuid4())\n",
}


def ruff(text: str, file: str) -> int:
    """Ruff's exit code for `text` as if it stood in `file`."""
    program = Path(sys.executable).parent / "ruff"
    command = [str(program), "check", "--no-cache", "--select", "TID251", "--stdin-filename", file, "-"]
    return subprocess.run(command, cwd=ROOT, input=text, text=True, capture_output=True, check=False).returncode


@pytest.mark.parametrize("text", PLANTS.values(), ids=PLANTS.keys())
def test_time_and_chance_are_refused_in_the_engine(text: str) -> None:
    assert ruff(text, "src/cordpair/engine/tenants.py") == 1


def test_the_clock_itself_may_ask_the_time() -> None:
    assert ruff(PLANTS["the wall clock"], "src/cordpair/engine/clock.py") == 0
