"""Who called, on a card: taken back when it was somebody else, and said afterwards where it was left open. Pure."""

from collections.abc import Mapping
from typing import Any

from cordpair.connectors.teams.caller_lines import MOST_CANDIDATES
from cordpair.connectors.teams.elements import Element, choices, execute
from cordpair.connectors.teams.facts import CardFacts
from cordpair.core.caller import Candidate, choosable
from cordpair.core.ids import PartyRef
from cordpair.errors import Rejected


def wrong_person(facts: CardFacts) -> list[Element]:
    """The button that takes the settled party back."""
    if facts.chosen is None:
        return []
    return [execute(facts.say("wrong_person"), "wrong_person", {"call": facts.call}, associatedInputs="none")]


def candidate_choice(facts: CardFacts, *others: tuple[str, str]) -> list[Element]:
    """Whom the agent may name, while it is open; whom an agent named for this number before is chosen already."""
    known = choosable(facts.candidates)
    if facts.party is not None or not known:
        return []
    options = [(_value(it), _option(facts, it)) for it in known[:MOST_CANDIDATES]]
    chosen = {"value": options[0][0]} if known[0].was_chosen else {}
    say = facts.say
    return [
        choices("party", say("party"), say("party_missing"), [*options, *others], style="expanded", wrap=True, **chosen)
    ]


def late_choice(facts: CardFacts) -> tuple[list[Element], list[Element]]:
    """On a closed call's card: the choice and its button, while the write waits for it."""
    choice = candidate_choice(facts) if facts.pending else []
    return choice, [execute(facts.say("pick"), "pick", {"call": facts.call}, style="positive")] if choice else []


def picked_party(data: Mapping[str, Any]) -> PartyRef:
    """Who was chosen. Raises Rejected when nobody was."""
    connector, _, found = str(data.get("party") or "").partition(":")
    if not connector or not found:
        raise Rejected("the card names nobody")
    return PartyRef(connector, found)


def _value(candidate: Candidate) -> str:
    return f"{candidate.party.connector}:{candidate.party.id}"


def _option(facts: CardFacts, candidate: Candidate) -> str:
    before = facts.say("chosen_before") if candidate.was_chosen else ""
    return " · ".join(part for part in (candidate.name, candidate.company, before) if part)
