"""The caller on a card: who it is, how we know, and the way to the record. Pure."""

from cordpair.connectors.teams.elements import Element, foreign, heading, hint, line, open_url, own_run, run
from cordpair.connectors.teams.facts import CardFacts
from cordpair.connectors.teams.texts import CONNECTORS, GRADES
from cordpair.core.caller import CallerKind, Candidate, only_company

MOST_CANDIDATES = 5  #: shown and offered for choice


def caller_title(facts: CardFacts) -> str:
    """The best name for the caller: the settled party, the network's name, the number, or why there is none."""
    party = facts.chosen
    if party is not None:
        return foreign(party.name)
    if facts.caller_kind is CallerKind.WITHHELD:
        return facts.say("withheld")
    fallback = "teams_caller" if facts.caller_kind is CallerKind.USER else "unknown_caller"
    return foreign(facts.caller_name) or foreign(facts.number) or facts.say(fallback)


def who(facts: CardFacts) -> list[Element]:
    """The caller in large type; company and number below."""
    title = caller_title(facts)
    party = facts.chosen
    rest = [part for part in (party.company if party else "", facts.number) if part and foreign(part) != title]
    big = line(run(title, size="ExtraLarge", weight="Bolder"), spacing="Small")
    return [big, *([line(run(" · ".join(rest)), spacing="None")] if rest else [])]


def identified(facts: CardFacts) -> list[Element]:
    """How the caller was identified: one line, or the candidates to choose from."""
    if not facts.candidates:
        looked_up = facts.caller_kind is CallerKind.NUMBER
        return [hint(facts.say("nobody_found"))] if looked_up else []
    if only_company(facts.candidates) and facts.chosen is None:
        return [part for it in facts.candidates[:MOST_CANDIDATES] for part in _company(facts, it)]
    settled = facts.chosen or (facts.candidates[0] if len(facts.candidates) == 1 else None)
    if settled is not None:
        return [_reason(facts, settled, spacing="Small")]
    title = facts.say("several", count=len(facts.candidates))
    return [heading(title, size="Small"), *(_candidate(facts, it) for it in facts.candidates[:MOST_CANDIDATES])]


def _company(facts: CardFacts, candidate: Candidate) -> list[Element]:
    """A company whose range the number stands in: who of it calls, nobody knows."""
    return [line(run("~ " + candidate.name, weight="Bolder"), spacing="Small"), _reason(facts, candidate)]


def _candidate(facts: CardFacts, candidate: Candidate) -> Element:
    title = run(" · ".join(part for part in (candidate.name, candidate.company) if part), weight="Bolder")
    action = open_url(facts.say("open_record_of", name=foreign(candidate.name, 40)), candidate.link)
    row: Element = {"type": "Container", "spacing": "Small"}
    if action is None:
        return {**row, "items": [line(title), _reason(facts, candidate)]}
    arrow = own_run(" ↗", color="Accent", weight="Bolder")
    return {**row, "items": [line(title, arrow), _reason(facts, candidate)], "selectAction": action}


def _reason(facts: CardFacts, candidate: Candidate, spacing: str = "None") -> Element:
    place = facts.candidates.index(candidate) + 1
    return line(run(_matched(facts, candidate, place), isSubtle=True, size="Small"), spacing=spacing)


def _matched(facts: CardFacts, candidate: Candidate, place: int) -> str:
    say = facts.say
    crm = CONNECTORS.get(candidate.party.connector, candidate.party.connector)
    return say("matched", why=say(GRADES[candidate.grade]), place=place, count=len(facts.candidates), crm=crm)


def open_record(facts: CardFacts) -> list[Element]:
    """The button to the record of the caller, where there is one and only one."""
    party = facts.chosen or (facts.candidates[0] if len(facts.candidates) == 1 else None)
    action = open_url(facts.say("open_record"), party.link) if party else None
    return [action] if action else []
