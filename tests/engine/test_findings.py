"""What the doctor says: in both languages, with the same fields, and a cure for everything that is wrong."""

import re
from pathlib import Path
from string import Formatter

import pytest

from cordpair.engine import findings
from cordpair.engine.findings import TEXTS, ok, problem

#: Texts that never tell of something wrong.
HARMLESS = {"graph.permissions", "secret.unknown", "crm.none", "presence.no_agents", "word.presence", "word.calls"}
SAID = [key for key in TEXTS if not key.endswith(".cure")]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_stands_in_both_languages_with_the_same_fields(key: str) -> None:
    assert set(TEXTS[key]) == {"en", "de"}
    assert fields(TEXTS[key]["en"]) == fields(TEXTS[key]["de"])
    assert "\n" not in "".join(TEXTS[key].values())


@pytest.mark.parametrize("key", [key for key in SAID if not key.endswith(".ok") and key not in HARMLESS])
def test_what_is_wrong_has_a_cure_that_needs_no_more_fields(key: str) -> None:
    assert fields(TEXTS[f"{key}.cure"]["en"]) <= fields(TEXTS[key]["en"]) | {"url", "permission"}


def test_every_text_is_said_somewhere_and_everything_that_is_said_has_a_text() -> None:
    engine = Path(findings.__file__).parent
    sources = [*engine.glob("doctor*.py"), engine.parent / "cli" / "doctor.py"]
    said = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', "".join(path.read_text(encoding="utf-8") for path in sources)))
    assert set(SAID) <= said
    assert {key for key in said if key.partition(".")[0] in {known.partition(".")[0] for known in SAID}} <= set(SAID)


def test_a_finding_says_what_is_wrong_and_what_to_do() -> None:
    found = problem("registration.refused", what="Microsoft Graph", why="invalid_client")
    assert found.check == "registration"
    assert found.text("en") == "no token for Microsoft Graph: invalid_client"
    assert found.text("de") == "kein Token für Microsoft Graph: invalid_client"
    assert "client_secret" in found.cure("de")


def test_a_word_within_a_finding_is_said_in_its_language() -> None:
    found = problem("graph.away", what="word.presence", url="https://graph.example")
    assert found.text("de") == "Graph gibt keine brauchbare Antwort über Präsenz"


def test_what_is_well_needs_no_cure() -> None:
    assert ok("parked.ok").cure("en") == ""
