"""What a waiting caller is told of their place and their wait, in German and English. Pure."""

from cordpair.core.estimate import Wait
from cordpair.core.flow import Say

_PLACE = {
    "en": ("You are next.", "There is one caller before you.", "There are {ahead} callers before you."),
    "de": ("Sie sind als Nächstes an der Reihe.", "Vor Ihnen ist ein Anruf.", "Vor Ihnen sind {ahead} Anrufe."),
}
_WAIT = {
    "en": ("You will probably wait one minute at most.", "You will probably wait about {minutes} minutes."),
    "de": ("Sie warten voraussichtlich höchstens eine Minute.", "Sie warten voraussichtlich etwa {minutes} Minuten."),
}
_LONGER = {
    "en": "Unfortunately it takes longer than we told you: now about {minutes} minutes.",
    "de": "Leider dauert es länger als angesagt: jetzt etwa {minutes} Minuten.",
}
#: Nobody is told of more callers before them than this.
MOST_AHEAD = 30


def place_said(ahead: int, language: str) -> Say | None:
    """The place in the queue, in the language or else in English; None where the number would only frighten."""
    if ahead > MOST_AHEAD:
        return None
    none, one, several = _PLACE.get(language, _PLACE["en"])
    text = none if ahead == 0 else one if ahead == 1 else several.format(ahead=ahead)
    return Say(text=text, language=_spoken(language))


def wait_said(wait: Wait, told_min: int | None, language: str) -> Say:
    """The expected wait. `told_min` is what the caller was told before: more than that is said as such."""
    if told_min is not None and wait.minutes > told_min:
        return Say(text=_LONGER.get(language, _LONGER["en"]).format(minutes=wait.minutes), language=_spoken(language))
    one, several = _WAIT.get(language, _WAIT["en"])
    text = one if wait.minutes == 1 else several.format(minutes=wait.minutes)
    return Say(text=text, language=_spoken(language))


def _spoken(language: str) -> str:
    return language if language in _PLACE else "en"
