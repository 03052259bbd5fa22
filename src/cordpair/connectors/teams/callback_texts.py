"""What agents read about callbacks and missed calls, in English and in (formal) German. Pure."""

from cordpair.connectors.teams.texts import language


def say(locale: str, key: str, **values: object) -> str:
    """The text `key` in the language of `locale`, with its values filled in."""
    return TEXTS[key][0 if language(locale) == "en" else 1].format(**values)


#: key: (English, German)
TEXTS: dict[str, tuple[str, str]] = {
    "offered": ("Call back", "Bitte zurückrufen"),
    "taken": ("You are calling back", "Sie rufen zurück"),
    "gone": ("Not with you any more", "Nicht mehr bei Ihnen"),
    "done": ("Callback done", "Rückruf abgeschlossen"),
    "kept_hint": ("The caller keeps a place in the queue; it is their turn.", "Der Anrufer ist jetzt an der Reihe."),
    "missed_hint": ("Nobody took this caller's call.", "Der Anruf wurde von niemandem angenommen."),
    "taken_hint": (
        "Call from Teams, then say what came of it: the caller waits for no other agent meanwhile.",
        "Rufen Sie aus Teams an und sagen Sie danach, was daraus wurde: Niemand sonst ruft inzwischen an.",
    ),
    "dialled_hint": (
        "Answer in Teams: your client rings first, then the caller's telephone.",
        "Nehmen Sie in Teams an: Zuerst klingelt Ihr Client, dann das Telefon des Anrufers.",
    ),
    "asked_at": ("since {time}", "seit {time}"),
    "times": ("called {count} times", "{count} Anrufe"),
    "tries": ("tried {count} times", "{count} Versuche"),
    "take": ("Call back now", "Jetzt zurückrufen"),
    "decline": ("Not now", "Jetzt nicht"),
    "call": ("Call {number}", "{number} anrufen"),
    "reached": ("Reached", "Erreicht"),
    "no_answer": ("No answer", "Nicht erreicht"),
    "given_back": ("Give back", "Zurückgeben"),
    "end_reached": ("The caller was reached.", "Der Anrufer wurde erreicht."),
    "end_not_reached": ("The caller could not be reached.", "Der Anrufer war nicht zu erreichen."),
    "end_called_in": ("The caller has called again.", "Der Anrufer hat selbst wieder angerufen."),
    "end_cancelled": ("Nobody has to call back any more.", "Ein Rückruf ist nicht mehr nötig."),
    "end_expired": ("It was too late to call back.", "Für einen Rückruf war es zu spät."),
    "list": ("Missed calls ({count})", "Verpasste Anrufe ({count})"),
    "list_empty": ("No missed calls in your queues.", "Keine verpassten Anrufe in Ihren Warteschlangen."),
    "list_more": ("and {count} more", "und {count} weitere"),
    "at_it": ("{name} calls back", "{name} ruft zurück"),
    "unknown": ("Unknown caller", "Unbekannter Anrufer"),
    "too_late": ("Somebody else has it, or it is over.", "Jemand anders hat ihn, oder er ist erledigt."),
    "not_ready": (
        "Say ready first: you are not free now.",
        "Bitte zuerst bereit melden: Sie sind gerade nicht frei.",
    ),
    "in_progress": ("It is being done.", "Wird ausgeführt."),
}
