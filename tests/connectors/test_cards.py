"""The cards: valid, readable for everybody, safe for foreign text, complete in both languages."""

import re
import string
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.connectors.teams import texts
from cordpair.connectors.teams.cards import card, read_wrap_up
from cordpair.connectors.teams.desk_cards import StatusFacts, status_card
from cordpair.connectors.teams.elements import colour_bar, foreign, open_url
from cordpair.connectors.teams.facts import WrapUpFacts
from cordpair.core.agent import DECLINES, AgentState
from cordpair.core.breaks import BreakReason
from cordpair.core.caller import Grade
from cordpair.core.effects import Face
from cordpair.core.events import OfferEnd
from cordpair.core.ids import PartyRef
from cordpair.engine import desk
from cordpair.engine.standing import WISHES
from cordpair.errors import Rejected
from tests.connectors.card_people import BECK, CALL, EVIL, FOREIGN, ONE, SEVERAL, UNKNOWN, WITHHELD, all_cards
from tests.connectors.teams_world import NOON, shared_data

CARDS = all_cards()


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a card."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def kinds(shown: dict[str, Any], *types: str) -> list[dict[str, Any]]:
    return [part for part in parts(shown) if part.get("type") in types]


def words(shown: dict[str, Any]) -> str:
    """All that can be read on a card."""
    return " ".join(str(part[name]) for part in parts(shown) for name in ("text", "title", "label") if name in part)


def buttons(shown: dict[str, Any]) -> list[str]:
    return [action["title"] for action in shown.get("actions", [])]


@cache
def validator() -> jsonschema.Draft6Validator:
    return jsonschema.Draft6Validator(shared_data("adaptive-card-1.6.schema.json"))


@pytest.mark.parametrize("name", CARDS)
def test_every_card_is_valid(name: str) -> None:
    assert [error.message[:200] for error in validator().iter_errors(CARDS[name])] == []


@pytest.mark.parametrize("name", CARDS)
def test_every_card_is_one_that_teams_renders_everywhere(name: str) -> None:
    assert CARDS[name]["version"] == "1.5"


@pytest.mark.parametrize("name", CARDS)
def test_every_card_speaks_and_every_input_and_button_has_words(name: str) -> None:
    shown = CARDS[name]
    assert shown["speak"]
    for field in kinds(shown, "Input.Text", "Input.ChoiceSet"):
        assert field["label"]
        assert field.get("errorMessage") or not field.get("isRequired")
    for action in kinds(shown, "Action.Execute", "Action.OpenUrl"):
        assert action["title"]
    assert all(image["altText"] for image in kinds(shown, "Image"))


@pytest.mark.parametrize("name", CARDS)
def test_every_button_of_ours_names_its_call_or_is_about_the_agent(name: str) -> None:
    ours = [action for action in kinds(CARDS[name], "Action.Execute") if action["verb"] not in WISHES]
    assert all(action["data"]["call"] == CALL for action in ours)


@pytest.mark.parametrize("name", CARDS)
def test_a_card_stays_far_below_what_teams_takes(name: str) -> None:
    assert len(str(CARDS[name])) < 12_000


def test_a_ringing_card_says_who_why_and_how_long() -> None:
    shown = card(Face.RINGING, replace(ONE, locale="en"))
    text = words(shown)
    assert "Dr. Hanna Beck" in text
    assert "Verein der Uhrmacher Neckartal · +49 6221 5550100" in text
    assert "Matched by phone: same number · 1 of 1 · iMIS" in text
    assert "Waited 0:12" in text
    assert "Mitgliederservice" in text
    assert buttons(shown) == ["Not now", "Open record"]


def test_not_now_names_the_offer() -> None:
    not_now = card(Face.RINGING, ONE)["actions"][0]
    assert (not_now["verb"], not_now["data"]) == ("not_now", {"call": CALL, "offer": f"{CALL}/1"})


def test_a_declined_call_can_be_claimed() -> None:
    shown = card(Face.DECLINED, ONE)
    assert buttons(shown) == ["Doch annehmen", "Datensatz öffnen"]
    assert shown["actions"][0]["verb"] == "claim"


def test_of_a_company_s_range_only_the_company_is_shown() -> None:
    trunk = replace(BECK, name="Docht AG", company="", grade=Grade.TRUNK, is_stand_in=True, link="")
    shown = card(Face.STRIP, replace(SEVERAL, candidates=(trunk,)))
    assert "~ Docht AG" in words(shown)
    assert "Wer war es?" not in words(card(Face.WRAP_UP, replace(SEVERAL, candidates=(trunk,))))


def test_who_is_settled_can_be_taken_back() -> None:
    assert buttons(card(Face.STRIP, ONE)) == ["Datensatz öffnen", "Falsche Person"]
    assert "Falsche Person" not in buttons(card(Face.STRIP, UNKNOWN))


def test_a_closed_call_that_waits_for_a_pick_offers_the_candidates() -> None:
    waiting = replace(SEVERAL, pending="several_matches")
    assert "Hier erfassen" in buttons(card(Face.DONE, waiting))
    assert "Hier erfassen" not in buttons(card(Face.DONE, replace(SEVERAL, pending="")))


@pytest.mark.parametrize("face", [Face.MISSED, Face.TAKEN])
def test_a_call_that_cannot_be_taken_offers_nothing_but_the_record(face: Face) -> None:
    assert buttons(card(face, ONE)) == ["Datensatz öffnen"]


@pytest.mark.parametrize("ended", list(OfferEnd))
def test_a_missed_call_says_why(ended: OfferEnd) -> None:
    assert texts.text("de", texts.ENDS[ended])[1:] in words(card(Face.MISSED, replace(ONE, ended=ended)))


def test_a_caller_who_left_is_no_fault_of_the_agent() -> None:
    assert "Der Anrufer hat aufgelegt" in words(card(Face.MISSED, replace(ONE, caller_left=True)))


def test_an_unknown_caller_is_shown_by_number() -> None:
    text = words(card(Face.RINGING, UNKNOWN))
    assert "+49 6221 5550100" in text
    assert "Kein passender Datensatz" in text


def test_a_withheld_number_is_called_so_and_nothing_else() -> None:
    text = words(card(Face.RINGING, WITHHELD))
    assert "Rufnummer unterdrückt" in text
    assert "Kein passender Datensatz" not in text


def test_several_matches_are_shown_to_choose_from() -> None:
    text = words(card(Face.RINGING, SEVERAL))
    assert "2 Datensätze passen zu dieser Nummer" in text
    assert "Jonas Lutz" in text


def test_the_strip_shows_since_when_in_the_agents_own_time_zone() -> None:
    assert "seit {{TIME(2026-11-02T12:03:00Z)}}" in words(card(Face.STRIP, ONE))


def test_a_settled_caller_is_not_asked_for_in_the_wrap_up() -> None:
    assert [field["id"] for field in kinds(card(Face.WRAP_UP, ONE), "Input.Text", "Input.ChoiceSet")] == [
        "disposition",
        "note",
    ]


def test_an_open_choice_is_asked_for_in_the_wrap_up_with_nobody_as_an_answer() -> None:
    party = kinds(card(Face.WRAP_UP, SEVERAL), "Input.ChoiceSet")[0]
    assert party["isRequired"]
    assert [choice["value"] for choice in party["choices"]] == ["imis:10234", "imis:20991", "-"]


def test_the_disposition_is_required_and_keeps_what_was_chosen() -> None:
    disposition = kinds(card(Face.WRAP_UP, ONE), "Input.ChoiceSet")[0]
    assert disposition["isRequired"]
    assert disposition["value"] == "solved"
    assert [choice["title"] for choice in disposition["choices"]] == ["Gelöst", "Rückruf"]


def test_a_disposition_that_no_longer_exists_is_not_preset() -> None:
    assert "value" not in kinds(card(Face.WRAP_UP, replace(ONE, disposition="old")), "Input.ChoiceSet")[0]


def test_the_done_card_is_one_line() -> None:
    shown = card(Face.DONE, replace(ONE, locale="en"))
    assert len(shown["body"]) == 1
    line = "✓  Done  · Dr. Hanna Beck · Mitgliederservice · 3:23 · Solved · logged in iMIS"
    assert words(shown) == f"{line} Wrong person"


@pytest.mark.parametrize("pending", ["withheld", "short_number", "unknown", "several_matches", "uncertain", "new one"])
def test_the_done_line_says_why_nothing_is_logged_yet(pending: str) -> None:
    assert "noch nicht erfasst: " in words(card(Face.DONE, replace(UNKNOWN, pending=pending)))


# ---- foreign text


@pytest.mark.parametrize("face", list(Face))
def test_foreign_text_stands_only_where_no_markdown_is_rendered(face: Face) -> None:
    for block in kinds(card(face, FOREIGN), "TextBlock"):
        assert "evil" not in block["text"]
        assert "**" not in block["text"]


@pytest.mark.parametrize("face", list(Face))
def test_no_address_from_foreign_text_is_ever_opened(face: Face) -> None:
    urls = [action["url"] for action in kinds(card(face, FOREIGN), "Action.OpenUrl")]
    assert set(urls) <= {BECK.link}


def test_foreign_text_is_one_line_without_hidden_characters_and_computed_dates() -> None:
    assert foreign(EVIL.name) == "[Click](https://evil.example.org) **bold** { {DATE(2026-01-01T00:00:00Z)}} # Head"


@given(st.text(max_size=400))
def test_foreign_text_never_hides_turns_or_overflows(value: str) -> None:
    shown = foreign(value)
    assert len(shown) <= 120
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|\{\{", shown)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://crm.example.org/",
        "data:text/html,x",
        "https://",
        "",
        "https://a b/",
        "//x",
        "https://[x",
    ],
)
def test_an_address_that_is_not_https_gets_no_button(url: str) -> None:
    assert open_url("Open", url) is None


# ---- wrap-up


def test_the_wrap_up_is_read_back() -> None:
    read = read_wrap_up({"call": CALL, "disposition": "solved", "note": " ok ", "party": "imis:10:234"})
    assert (read.disposition, read.note, read.party) == ("solved", " ok ", PartyRef("imis", "10:234"))


@pytest.mark.parametrize("party", ["-", "", None, "imis", "imis:", ":1"])
def test_nobody_of_these_is_no_party(party: str | None) -> None:
    assert read_wrap_up({"disposition": "solved", "party": party}).party is None


@pytest.mark.parametrize("data", [{}, {"disposition": ""}, {"disposition": 5}, {"disposition": "x", "note": ["a"]}])
def test_an_incomplete_wrap_up_is_rejected(data: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        read_wrap_up(data)


# ---- words


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("key", texts.TEXTS)
def test_every_text_is_complete_in_both_languages(key: str) -> None:
    english, german = texts.TEXTS[key]
    assert english
    assert german
    assert fields(english) == fields(german)


def test_every_verdict_of_the_engine_has_words() -> None:
    assert set(desk._VERDICTS.values()) - set(texts.TEXTS) == set()


def test_german_is_formal() -> None:
    informal = re.compile(r"\b(du|dich|dir|dein\w*|euch|euer)\b", re.IGNORECASE)
    assert [german for _, german in texts.TEXTS.values() if informal.search(german)] == []


def test_every_grade_has_words() -> None:
    assert set(texts.GRADES) == set(Grade)


@pytest.mark.parametrize(
    ("locale", "expected"), [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("den", "en"), ("fr", "en"), ("", "en")]
)
def test_german_is_for_german_locales(locale: str, expected: str) -> None:
    assert texts.language(locale) == expected
    assert expected in get_args(texts.Language)


@pytest.mark.parametrize(("seconds", "expected"), [(-1, "0:00"), (7.9, "0:07"), (75, "1:15"), (3725, "1:02:05")])
def test_durations_are_read_like_a_clock(seconds: float, expected: str) -> None:
    assert texts.duration(seconds) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(-1, "0 s"), (59, "59 s"), (192, "3 min"), (7500, "2 h 5 min")])
def test_ages_are_read_in_words(seconds: float, expected: str) -> None:
    assert texts.age(seconds) == expected


def test_a_settled_caller_is_not_offered_for_choice_again() -> None:
    shown = words(card(Face.STRIP, replace(SEVERAL, party=BECK.party)))
    assert "1 von 2" in shown
    assert "Jonas Lutz" not in shown


def test_a_break_shows_its_reason() -> None:
    assert "Mittag" in words(status_card(StatusFacts(state=AgentState.BREAK, reason="lunch"), "de"))


def test_a_break_after_too_many_calls_declined_says_so() -> None:
    assert "mehrere Anrufe abgelehnt" in words(status_card(StatusFacts(state=AgentState.BREAK, reason=DECLINES), "de"))


def test_a_ready_agent_chooses_a_break_among_the_reasons_of_the_organisation() -> None:
    errand = BreakReason(id="errand", en="errand", de="Besorgung")
    shown = status_card(StatusFacts(state=AgentState.READY, breaks=(errand,)), "de")
    assert buttons(shown) == ["Pause", "Heute keine Anrufe mehr"]
    assert [it["choices"] for it in kinds(shown, "Input.ChoiceSet")] == [[{"title": "Besorgung", "value": "errand"}]]


def test_whoever_is_away_says_with_one_button_that_they_are_back() -> None:
    away = (AgentState.BREAK, AgentState.NOT_RESPONDING, AgentState.OFFLINE)
    assert [buttons(status_card(StatusFacts(state=state), "en")) for state in away] == [["Ready"]] * 3


def test_an_agent_whose_state_was_set_reads_that_it_was() -> None:
    assert "wurde für Sie gesetzt" in words(status_card(StatusFacts(state=AgentState.BREAK, is_set=True), "de"))


def test_a_wrap_up_offers_more_time_as_long_as_there_is_some() -> None:
    time = WrapUpFacts(until=NOON, left=2, extend_s=60.0)
    assert "60 s länger (noch 2-mal)" in buttons(card(Face.WRAP_UP, replace(ONE, wrap_up=time)))
    assert buttons(card(Face.WRAP_UP, replace(ONE, wrap_up=replace(time, left=0))))[:2] == [
        "Speichern",
        "Fertig, ohne Ergebnis",
    ]


def test_a_fixed_wrap_up_has_no_early_end() -> None:
    fixed = WrapUpFacts(until=NOON, is_fixed=True)
    assert "Fertig, ohne Ergebnis" not in buttons(card(Face.WRAP_UP, replace(ONE, wrap_up=fixed)))


def test_a_ready_agent_whom_teams_shows_as_busy_reads_why_nothing_rings() -> None:
    facts = StatusFacts(state=AgentState.READY, presence="Busy", presence_age_s=5.0, held=True)
    assert "While Teams shows you as Busy, calls go to others." in words(status_card(facts, "en"))


@pytest.mark.parametrize("colour", ["#0b6a0b", "red", "", "#fff", "url(x)"])
def test_any_colour_gives_a_bar(colour: str) -> None:
    assert colour_bar(colour, "Queue")["url"].startswith("data:image/png;base64,")
