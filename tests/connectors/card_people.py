"""Cards of the demo world, for the tests that look at them."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from cordpair.connectors.teams.cards import CardFacts, card
from cordpair.connectors.teams.desk_cards import QueueLine, StatusFacts, help_card, queues_card, status_card
from cordpair.core.agent import AgentState
from cordpair.core.caller import CallerKind, Candidate, Grade
from cordpair.core.effects import Face
from cordpair.core.events import OfferEnd
from cordpair.core.ids import CallId, OfferId, PartyRef
from cordpair.core.tenant import Disposition
from tests.connectors.teams_world import NOON

CALL = CallId("0f0f0f0f-0000-4000-8000-00000000000f")
BECK = Candidate(
    party=PartyRef("imis", "10234"),
    name="Dr. Hanna Beck",
    company="Verein der Uhrmacher Neckartal",
    grade=Grade.EXACT,
    reason="matched by phone, same number, iMIS",
    link="https://imis.example.org/profile/10234",
)
LUTZ = Candidate(
    party=PartyRef("imis", "20991"), name="Jonas Lutz", grade=Grade.SUFFIX, reason="", link="https://imis.example.org/l"
)
EVIL = Candidate(
    party=PartyRef("imis", "6"),
    name="[Click](https://evil.example.org) **bold** {{DATE(2026-01-01T00:00:00Z)}}\u202e\n# Head",
    company="<b>x</b> _y_ `z`",
    grade=Grade.EXACT,
    reason="",
    link="javascript:alert(1)",
)
RESULTS = (
    Disposition(id="solved", en="Solved", de="Gelöst"),
    Disposition(id="callback", en="Call back", de="Rückruf"),
)
ONE = CardFacts(
    call=CALL,
    offer=OfferId(f"{CALL}/1"),
    queue="Mitgliederservice",
    colour="#0b6a0b",
    locale="de-DE",
    number="+49 6221 5550100",
    candidates=(BECK,),
    party=BECK.party,
    waited_s=12.4,
    connected_at=NOON + timedelta(minutes=3),
    talk_s=203,
    dispositions=RESULTS,
    disposition="solved",
    note="Beitrag 2026 geklärt",
    activity="A-1",
    ended=OfferEnd.MISSED,
)
SEVERAL = replace(
    ONE, candidates=(BECK, LUTZ), party=None, disposition="", note="", activity="", pending="several_matches"
)
UNKNOWN = replace(SEVERAL, candidates=(), pending="unknown")
WITHHELD = replace(UNKNOWN, number="", caller_kind=CallerKind.WITHHELD, pending="withheld")
FOREIGN = replace(
    ONE, candidates=(EVIL, BECK), party=EVIL.party, queue="**Q** [x](https://evil.example.org)", note="*n*"
)
FACTS = {"one": ONE, "several": SEVERAL, "unknown": UNKNOWN, "withheld": WITHHELD, "foreign": FOREIGN}


def all_cards() -> dict[str, dict[str, Any]]:
    """Every face with every kind of caller in both languages, and the answers of the bot."""
    cards = {
        f"{face} {name} {locale}": card(face, replace(facts, locale=locale))
        for face in Face
        for name, facts in FACTS.items()
        for locale in ("de-DE", "en-GB")
    }
    queues = (QueueLine(name="Mitgliederservice", waiting=3, longest_wait_s=75, ready=2), QueueLine(name="Events"))
    for locale in ("de-DE", "en-GB"):
        for state in AgentState:
            facts = StatusFacts(state=state, in_state_s=192, reason="mittag", queues=("Mitgliederservice", "Events"))
            cards[f"status {state} {locale}"] = status_card(facts, locale)
        cards[f"queues {locale}"] = queues_card(queues, locale)
        cards[f"no queues {locale}"] = queues_card((), locale)
        cards[f"help {locale}"] = help_card(locale)
        cards[f"hello {locale}"] = help_card(locale, opening="hello")
        cards[f"unknown word {locale}"] = help_card(locale, opening="unknown_word")
    return cards
