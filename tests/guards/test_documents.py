"""Docs say what is: pages made from code are up to date, commands exist, links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordpair.telemetry import Metrics
from tests.guards.sources import ROOT, modules, name
from tools import draw_states, list_metrics, list_settings

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
HANDS_ON = [ROOT / "README.md", ROOT / "docs" / "quickstart.md"]


def commands(page: Path) -> Iterator[list[str]]:
    """Words of each command in the page's shell blocks, without remarks."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if words:
                yield words


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", draw_states.pages(), ids=lambda page: page.name)
def test_diagrams_show_the_tables_of_moves(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == draw_states.pages()[page], "run: .venv/bin/python -m tools.draw_states"


def test_the_list_of_settings_shows_every_setting() -> None:
    written = list_settings.PAGE.read_text(encoding="utf-8")
    assert written == list_settings.page(), "run: .venv/bin/python -m tools.list_settings"


@pytest.mark.parametrize("page", HANDS_ON, ids=name)
def test_a_command_of_the_docs_exists_in_the_script(page: Path) -> None:
    known = set(re.findall(r"^  ([\w]+)[) |]", (ROOT / "run").read_text().split("case ${1:-help} in")[1], re.MULTILINE))
    asked = {words[1] for words in commands(page) if words[0] == "./run"}
    assert asked
    assert asked <= known


@pytest.mark.parametrize("page", HANDS_ON, ids=name)
def test_a_subcommand_of_the_docs_exists_in_the_product(page: Path) -> None:
    asked = {words[2] for words in commands(page) if words[:2] == ["./run", "cordpair"]}
    asked |= {words[1] for words in commands(page) if words[0] == "./run" and words[1] == "demo"}
    for subcommand in asked:
        done = subprocess.run(
            [sys.executable, "-m", "cordpair", subcommand, "--help"], capture_output=True, check=False
        )
        assert done.returncode == 0, f"cordpair {subcommand} --help: {done.stderr.decode()[-500:]}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    inside = [link for link in links(page) if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_decision_is_one_screen() -> None:
    lengths = {
        page.name: len(page.read_text(encoding="utf-8").splitlines()) for page in PAGES if page.parent.name == "why"
    }
    assert {page: lines for page, lines in lengths.items() if lines > 60} == {}


def test_every_word_of_the_core_s_states_is_in_the_glossary() -> None:
    from cordpair.core.agent import AgentState
    from cordpair.core.call import CallState, Outcome
    from cordpair.core.caller import CallerKind, Grade
    from cordpair.core.events import OfferEnd

    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower().replace("-", " ")
    words = [word for words in (AgentState, CallState, CallerKind, Grade, OfferEnd, Outcome) for word in words]
    assert [word.value for word in words if word.value.replace("_", " ") not in glossary] == []


def test_the_list_of_metrics_shows_every_metric() -> None:
    assert list_metrics.PAGE.read_text(encoding="utf-8") == list_metrics.page(), "run: python -m tools.list_metrics"


@pytest.mark.parametrize("metric", list_metrics.listed(Metrics()))
def test_a_metric_that_there_is_is_set_somewhere(metric: str) -> None:
    code = [path.read_text(encoding="utf-8") for path in modules() if path.name != "metrics.py"]
    assert any(re.search(rf"metrics\.{metric}\b", text) for text in code)
