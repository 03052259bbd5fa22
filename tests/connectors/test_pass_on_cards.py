"""Passing a caller on, on the card: valid, complete in both languages, and only for who has the caller."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.connectors.teams import texts
from cordpair.connectors.teams.cards import card
from cordpair.connectors.teams.pass_on import HOW, WHY, Choice, Passing, read_pass_on
from cordpair.core.effects import Face
from cordpair.core.transfer import TransferEnd, TransferKind
from cordpair.errors import Rejected
from tests.connectors.card_people import ONE
from tests.connectors.test_cards import validator

EVIL = "[x](https://evil.example.org) **b**"
FORM = Passing(choices=(Choice("agent:1", "Elif Tannenberg"), Choice("queue:events", EVIL)))
RINGS = Passing(to=EVIL, kind=TransferKind.CONSULT, held=True)
TALKS = replace(RINGS, is_there=True)
ASKED = Passing(by="Ada Lindgreen", is_asked=True)
DOUBT = replace(FORM, doubt="queue_closed", data={"how": "blind", "target": "queue:events"})
FAILED = replace(FORM, failed_to=EVIL, why=TransferEnd.BUSY)
ALL = {"form": FORM, "rings": RINGS, "talks": TALKS, "asked": ASKED, "doubt": DOUBT, "failed": FAILED}


def shown(passing: Passing, face: Face = Face.STRIP, locale: str = "de-DE") -> dict[str, Any]:
    return card(face, replace(ONE, passing=passing, locale=locale))


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def verbs(whole: dict[str, Any]) -> list[str]:
    return [str(part["verb"]) for part in parts(whole) if part.get("type") == "Action.Execute"]


@pytest.mark.parametrize("face", [Face.STRIP, Face.RINGING])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_every_card_is_as_microsofts_schema_wants_it(face: Face, name: str, locale: str) -> None:
    validator().validate(shown(ALL[name], face, locale))


@pytest.mark.parametrize("name", ALL)
def test_foreign_text_stands_only_where_no_markdown_is_rendered(name: str) -> None:
    blocks = [part for part in parts(shown(ALL[name])) if part.get("type") == "TextBlock"]
    assert not [block for block in blocks if "evil" in block["text"]]


def test_who_has_the_caller_can_pass_them_on_in_three_ways_or_hang_up() -> None:
    assert verbs(shown(FORM)) == ["pass_on", "pass_on", "pass_on", "hang_up", "wrong_person"]


def test_while_it_rings_the_ring_can_be_stopped_and_in_a_consultation_the_caller_handed_over_or_taken_back() -> None:
    assert verbs(shown(RINGS)) == ["take_back", "hang_up", "wrong_person"]
    assert verbs(shown(TALKS)) == ["complete", "take_back", "wrong_person"]


def test_who_is_only_asked_can_do_nothing_with_the_call_and_reads_who_asks() -> None:
    assert verbs(shown(ASKED)) == []
    assert "Ada Lindgreen" in str(shown(ASKED))


def test_a_doubt_can_be_overruled_with_the_same_wish() -> None:
    first = next(part for part in parts(shown(DOUBT)) if part.get("type") == "Action.Execute")
    assert first["data"] == {"call": ONE.call, "how": "blind", "target": "queue:events", "anyway": "yes"}


@pytest.mark.parametrize("end", list(TransferEnd))
def test_every_end_of_a_transfer_is_told(end: TransferEnd) -> None:
    assert texts.text("de", WHY[end]) in str(shown(replace(FAILED, why=end)))


@pytest.mark.parametrize("how", HOW)
def test_the_inputs_are_read(how: str) -> None:
    wish = read_pass_on({"how": how, "target": "agent:1", "number": "030 1", "pass_note": "n\0o"})
    assert (wish.how, wish.target, wish.number, wish.note, wish.anyway) == (HOW[how], "agent:1", "", "no", False)


@pytest.mark.parametrize("data", [{}, {"how": "blind"}, {"how": "shout", "target": "agent:1"}, {"how": ["blind"]}])
def test_inputs_of_no_card_of_ours_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        read_pass_on(data)
