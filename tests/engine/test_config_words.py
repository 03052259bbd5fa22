"""A setup is spoken of in both languages: no field without a name, and every kind of change is a sentence."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect
from msgspec.structs import replace

from cordpair.core.flow import Flow, HangUpStep, Menu, Play, Say
from cordpair.core.flow_finding import FindingKind, Surroundings
from cordpair.core.hours import Hours
from cordpair.core.ids import FlowId, QueueId
from cordpair.core.need import AnyOf, Compare, Comparison, Membership, Step
from cordpair.core.setup_diff import Change, differences
from cordpair.core.tenant import AgentSetup, TenantSetup
from cordpair.engine.config_warnings import removals, warnings
from cordpair.engine.config_words import WORDS, Speaker
from cordpair.store.setups import InUse
from tests.core.test_setup_diff import SALES, SETUP, TAXES, with_agent, with_queue
from tests.store.world import NOON

ROOT = Path(__file__).parents[2]


def structs(kind: inspect.Type) -> Iterator[inspect.StructType]:
    """Every struct that a setup is made of."""
    seen: set[str] = set()
    ahead: list[Any] = [kind]
    while ahead:
        one = ahead.pop()
        if isinstance(one, inspect.StructType):
            if one.cls.__name__ in seen:
                continue
            seen.add(one.cls.__name__)
            yield one
            ahead += [field.type for field in one.fields]
        for part in ("types", "item_types"):
            ahead += getattr(one, part, ())
        ahead += [inner for part in ("item_type", "value_type") if (inner := getattr(one, part, None))]


PARTS = {one.cls.__name__: [field.name for field in one.fields] for one in structs(inspect.type_info(TenantSetup))}


@pytest.mark.parametrize("owner", PARTS)
def test_every_field_of_a_setup_has_a_german_and_an_english_name(owner: str) -> None:
    named = WORDS["fields"].get(owner, {})
    assert [field for field in PARTS[owner] if not {"en", "de"} <= set(named.get(field, {}))] == []


def test_no_name_is_of_a_field_that_there_is_not() -> None:
    strange = {f"{owner}.{field}" for owner, named in WORDS["fields"].items() for field in named}
    assert strange - {f"{owner}.{field}" for owner, fields in PARTS.items() for field in fields} == set()


def test_no_two_parts_of_a_setup_share_a_name() -> None:
    names = [one.cls for one in structs(inspect.type_info(TenantSetup))]
    assert len({one.__name__ for one in names}) == len(set(names))


def test_every_text_has_both_languages_and_the_same_fields() -> None:
    texts = [text for group, named in WORDS.items() if group not in ("fields", "choices") for text in named.values()]
    texts += [text for named in WORDS["choices"].values() for text in named.values()]
    assert [text for text in texts if set(text) != {"en", "de"}] == []


def test_every_kind_of_change_and_of_finding_has_a_text() -> None:
    assert {change.value for change in Change} <= set(WORDS["changes"])
    assert {kind.value for kind in FindingKind} == set(WORDS["findings"])


def told(after: TenantSetup, language: str = "en") -> list[str]:
    speaker = Speaker(SETUP, after, language)
    return [speaker.sentence(one) for one in differences(SETUP, after)]


@pytest.mark.parametrize(
    ("after", "en", "de"),
    [
        (with_queue(ring_timeout_s=25.0), "Queue Sales: ring time: 25 s instead of 20 s",
         "Warteschlange Sales: Klingelzeit: 25 s statt 20 s"),
        (with_queue(service_level_share=0.75), "Queue Sales: service level: share of calls: 75 % instead of 80 %",
         "Warteschlange Sales: Servicelevel: Anteil der Anrufe: 75 % statt 80 %"),
        (with_queue(max_waiting=5), "Queue Sales: most who wait: 5 instead of nothing",
         "Warteschlange Sales: höchste Zahl Wartender: 5 statt nichts"),
        (with_queue(skip_if_empty=False), "Queue Sales: pass over a step that nobody can serve: no instead of yes",
         "Warteschlange Sales: Schritte übergehen, die niemand bedienen kann: nein statt ja"),
        (with_queue(fallback_user="ben"), "Queue Sales: fallback user: Ben instead of nothing",
         "Warteschlange Sales: Ausweichperson: Ben statt nichts"),
        (with_agent(queues=(SALES,)), "Agent Ana no longer serves Taxes: 0 agents remain",
         "Agent Ana bedient Taxes nicht mehr: es bleiben 0 Agenten"),
        (with_agent(queues=(TAXES,), skills=frozenset({"de", "fr"})),
         "Agent Ana no longer serves Sales: 1 agent remains | Agent Ana: skills: now also fr",
         "Agent Ana bedient Sales nicht mehr: es bleibt 1 Agent | Agent Ana: Fähigkeiten: jetzt auch fr"),
        (with_agent(memberships=(Membership(TAXES, 2),)),
         "Agent Ana: places in queues › Taxes is new: queue Taxes, priority 2",
         "Agent Ana: Plätze in Warteschlangen › Taxes ist neu: Warteschlange Taxes, Vorrang 2"),
        (replace(SETUP, queues=SETUP.queues[:1]), "Queue Taxes goes", "Warteschlange Taxes entfällt"),
        (replace(SETUP, agents=(*SETUP.agents, AgentSetup(id=SETUP.agents[0].id[:1], name="Cleo"))),  # type: ignore[arg-type]
         "Agent Cleo is new", "Agent Cleo ist neu"),
        (replace(SETUP, region="AT"), "Country of national numbers: AT instead of DE",
         "Land der nationalen Nummern: AT statt DE"),
        (replace(SETUP, queues=SETUP.queues[::-1]), "Queues: in another order: Taxes, Sales",
         "Warteschlangen: in anderer Reihenfolge: Taxes, Sales"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_words(after: TenantSetup, en: str, de: str) -> None:
    assert (" | ".join(told(after)), " | ".join(told(after, "de"))) == (en, de)


def test_a_field_that_has_no_name_yet_is_called_as_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(WORDS["fields"]["Queue"], "ring_timeout_s")
    assert told(with_queue(ring_timeout_s=25.0)) == ["Queue Sales: ring_timeout_s: 25 s instead of 20 s"]


def warned(setup: TenantSetup, around: Surroundings | None = None) -> list[tuple[str, str]]:
    found = warnings(setup, around or Surroundings(queues=setup.queues), NOON)
    return [(".".join(map(str, one.path)), one.text["en"]) for one in found]


def test_a_good_setup_is_warned_of_nothing() -> None:
    assert warned(SETUP) == []


FLOW = Flow(
    id=FlowId("front"),
    start="menu",
    steps={
        "menu": Menu(say=(Say(prompt="welcome"),), choices={"1": "bye"}, no_input="bye"),
        "bye": HangUpStep(),
        "stray": Play(say=(Say(text="Hello"),), next="bye"),
    },
)


@pytest.mark.parametrize(
    ("setup", "wanted"),
    [
        (with_agent(queues=(SALES,)), ("queues.1", "Queue Taxes: nobody serves it")),
        (with_queue(skills=frozenset({"fr"})),
         ("queues.0.skills", "Queue Sales: none of its agents has what step 1 asks for")),
        (with_queue(steps=(Step(), Step(after_s=9, require=Compare("tax", Comparison.AT_LEAST, 3)))),
         ("queues.0.steps.1", "Queue Sales: none of its agents has what step 2 asks for")),
        (replace(SETUP, agents=(*SETUP.agents, replace(SETUP.agents[0], name="Cleo", queues=()))),
         ("agents.2", "Agent Cleo: serves no queue")),
        (with_queue(hours=Hours(time_zone="Europe/Berlin", week=("mon 08:00-12:00",), exceptions=(
            "2026-11-24 closed", "2026-11-20..2026-11-23 closed"))),
         ("queues.0.hours.exceptions.1", 'Queue Sales: the exception "2026-11-20..2026-11-23 closed" is over')),
        (replace(SETUP, registration=replace(SETUP.registration, secret_expires_at=NOON + timedelta(days=9))),
         ("registration.secret_expires_at", "the client secret ends in 9 days")),
        (replace(SETUP, registration=replace(SETUP.registration, secret_expires_at=NOON)),
         ("registration.secret_expires_at", "the client secret has ended")),
    ],
)  # fmt: skip
def test_what_is_worth_a_second_look_is_said(setup: TenantSetup, wanted: tuple[str, str]) -> None:
    assert warned(setup) == [wanted]


def test_a_prompt_that_is_missing_and_a_step_out_of_reach_are_warnings() -> None:
    around = Surroundings(queues=SETUP.queues, prompts={"greeting", "waiting"}, languages={"en"})
    assert warned(replace(SETUP, flows=(FLOW,)), around) == [
        ("flows.0.steps.menu.say.0", 'front, menu: there is no prompt "welcome"'),
        ("flows.0.steps.stray", "front, stray: no way leads to this step"),
    ]


def test_a_missing_prompt_of_a_queue_is_a_warning() -> None:
    around = Surroundings(queues=SETUP.queues, prompts={"greeting", "waiting"})
    assert warned(with_queue(greeting="hello", id=QueueId("sales")), around) == [
        ("queues.0.greeting", 'Queue Sales: there is no prompt "hello"')
    ]


def test_what_goes_while_calls_are_in_it_is_a_warning() -> None:
    after = replace(SETUP, queues=SETUP.queues[1:], agents=SETUP.agents[1:])
    used = InUse(queues={SALES: 2, TAXES: 1}, agents=frozenset({SETUP.agents[0].id, SETUP.agents[1].id}))
    assert [one.text["en"].partition(" goes while")[0] for one in removals(SETUP, after, used)] == [
        "Queue Sales",
        "Agent Ana",
    ]
    assert removals(SETUP, SETUP, used) == removals(None, after, used) == ()


def enumerations(kind: inspect.Type) -> set[type[Enum]]:
    found: set[type[Enum]] = set()
    for one in structs(kind):
        ahead: list[Any] = [field.type for field in one.fields]
        while ahead:
            inner = ahead.pop()
            found |= {inner.cls} if isinstance(inner, inspect.EnumType) else set()
            ahead += [*getattr(inner, "types", ())]
    return found


def test_a_choice_that_has_a_name_is_one_that_there_is() -> None:
    known = {one.__name__: {it.value for it in one} for one in enumerations(inspect.type_info(TenantSetup))}
    assert [name for name, named in WORDS["choices"].items() if not set(named) <= known.get(name, set())] == []


def test_a_requirement_is_said_as_people_write_it() -> None:
    either = AnyOf((Compare("tax", Comparison.AT_LEAST, 3), Compare("site", Comparison.EQUAL, "Ulm")))
    assert told(with_queue(steps=(Step(require=either),))) == [
        "Queue Sales: routing steps › 1 is new: requirement (tax >= 3 or site = Ulm)"
    ]


def test_every_field_of_a_setup_stands_in_the_reference() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "docs" / "reference").rglob("*.toml")]
    shown = {word for text in texts for word in re.findall(r"\w+", text)}
    assert {f"{owner}.{field}" for owner, fields in PARTS.items() for field in fields if field not in shown} == set()


def test_every_field_that_may_hold_a_secret_is_known_as_one() -> None:
    """Whatever is called so is hidden by `core.setup_secrets`, and is no part of what is stored in the clear."""
    looks = re.compile("secret|password|token|credential|private|api_key")
    found = {f"{owner}.{field}" for owner, fields in PARTS.items() for field in fields if looks.search(field)}
    assert found == {"Registration.client_secret", "Registration.secret_expires_at", "CrmSetup.secrets"}
