"""What agents read in the chat, in English and in (formal) German. Pure."""

from typing import Literal

from cordpair.core.caller import Grade
from cordpair.core.events import OfferEnd

Language = Literal["en", "de"]


def language(locale: str) -> Language:
    """The language of a Teams locale (`de-AT`): German where it is asked for, English for all others."""
    return "de" if locale.lower().partition("-")[0].partition("_")[0] == "de" else "en"


def text(locale: str, key: str, **values: object) -> str:
    """The text `key` in the language of `locale`, with its values filled in."""
    template = TEXTS[key][0 if language(locale) == "en" else 1]
    return template.format(**values) if values else template


def duration(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:05`."""
    whole = max(int(seconds), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age(seconds: float) -> str:
    """`45 s`, `12 min`, `2 h 5 min`: the same in both languages."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


GRADES: dict[Grade, str] = {
    Grade.EXACT: "grade_exact",
    Grade.NATIONAL: "grade_national",
    Grade.TRUNK: "grade_trunk",
    Grade.SUFFIX: "grade_suffix",
    Grade.NONE: "grade_none",
}

ENDS: dict[OfferEnd, str] = {
    OfferEnd.DECLINED: "end_declined",
    OfferEnd.MISSED: "end_missed",
    OfferEnd.BUSY: "end_busy",
    OfferEnd.FAILED: "end_failed",
    OfferEnd.AGENT_LOST: "end_agent_lost",
    OfferEnd.WITHDRAWN: "end_withdrawn",
    OfferEnd.UNSURE: "end_unsure",
}

#: Names of connectors as people write them.
CONNECTORS = {"imis": "iMIS", "cloudtoolz": "CloudToolz", "memory": "demo CRM"}

#: key: (English, German)
TEXTS: dict[str, tuple[str, str]] = {
    # the card of a call
    "claimable": ("A call waits: who takes it?", "Ein Anruf wartet: Wer nimmt ihn?"),
    "claimable_hint": (
        "Take it, and your Teams client rings. Your colleagues see this card too.",
        "Nehmen Sie ihn, dann klingelt Ihr Teams-Client. Ihre Kolleginnen und Kollegen sehen diese Karte auch.",
    ),
    "take": ("Take it", "Nehmen"),
    "ringing": ("Incoming call", "Eingehender Anruf"),
    "ring_hint": (
        "Answer in Teams: your client is ringing.",
        "Nehmen Sie das Gespräch in Teams an: Ihr Client klingelt.",
    ),
    "waited": ("Waited {time}", "Wartezeit {time}"),
    "talked": ("Talk time {time}", "Gesprächsdauer {time}"),
    "not_now": ("Not now", "Jetzt nicht"),
    "open_record": ("Open record", "Datensatz öffnen"),
    "open_record_of": ("Open record of {name}", "Datensatz von {name} öffnen"),
    "claim": ("Take it after all", "Doch annehmen"),
    "declined": ("You said not now", "Sie haben abgelehnt"),
    "declined_hint": (
        "The call is offered to someone else. You can still take it while it waits.",
        "Der Anruf wird anderen angeboten. Solange er wartet, können Sie ihn noch annehmen.",
    ),
    "missed": ("Missed call", "Verpasster Anruf"),
    "taken": ("Taken by someone else", "Von jemand anderem angenommen"),
    "strip": ("In conversation", "Im Gespräch"),
    "since": ("since {time}", "seit {time}"),
    "for_time": ("for {time}", "seit {time}"),
    "wrap_up": ("Wrap up the call", "Gespräch nachbearbeiten"),
    "disposition": ("Result of the call", "Ergebnis des Gesprächs"),
    "disposition_missing": ("Please choose a result.", "Bitte wählen Sie ein Ergebnis."),
    "choose": ("Choose", "Bitte wählen"),
    "note": ("Note", "Notiz"),
    "note_hint": ("What was it about?", "Worum ging es?"),
    "party": ("Who was it?", "Wer war es?"),
    "wrong_person": ("Wrong person", "Falsche Person"),
    "pick": ("Log to this record", "Hier erfassen"),
    "chosen_before": ("chosen last time", "zuletzt gewählt"),
    "party_missing": ("Please say who it was.", "Bitte wählen Sie, wer es war."),
    "nobody": ("Nobody of these", "Niemand davon"),
    "wrap_up_until": ("There is time until {time}.", "Sie haben Zeit bis {time}."),
    "wrap_up_fixed": ("Your next call comes after {time}.", "Ihr nächster Anruf kommt nach {time}."),
    "wrap_up_free": (
        "Calls ring at you again already. You can write this one down until {time}.",
        "Bei Ihnen klingeln schon wieder Anrufe. Diesen können Sie bis {time} nachbearbeiten.",
    ),
    "wrap_up_written": ("Saved. You can change it until {time}.", "Gespeichert. Bis {time} können Sie es noch ändern."),
    "extend": ("{seconds} s more ({left} left)", "{seconds} s länger (noch {left}-mal)"),
    "end_wrap_up": ("Done, no result", "Fertig, ohne Ergebnis"),
    "no_extension_left": ("There is no more time to be had.", "Die Zeit lässt sich nicht weiter verlängern."),
    "fixed_time": ("This wrap-up lasts its whole time.", "Diese Nachbearbeitung dauert ihre volle Zeit."),
    "save": ("Save", "Speichern"),
    "done": ("Done", "Abgeschlossen"),
    "logged": ("logged in {crm}", "in {crm} erfasst"),
    "pending": ("not logged yet: {why}", "noch nicht erfasst: {why}"),
    "no_disposition": ("no result entered", "kein Ergebnis erfasst"),
    # who calls
    "unknown_caller": ("Unknown caller", "Unbekannter Anrufer"),
    "withheld": ("Number withheld", "Rufnummer unterdrückt"),
    "teams_caller": ("Teams user", "Teams-Benutzer"),
    "nobody_found": ("No matching record", "Kein passender Datensatz"),
    "matched": ("Matched by phone: {why} · {place} of {count} · {crm}", "Treffer: {why} · {place} von {count} · {crm}"),
    "several": ("{count} records match this number", "{count} Datensätze passen zu dieser Nummer"),
    "grade_exact": ("same number", "gleiche Nummer"),
    "grade_national": ("same national number", "gleiche nationale Nummer"),
    "grade_trunk": ("same company's numbers", "Nummernblock derselben Firma"),
    "grade_suffix": ("last seven digits", "letzte sieben Ziffern"),
    "grade_none": ("no match", "kein Treffer"),
    # why
    "end_declined": ("declined", "abgelehnt"),
    "end_missed": ("it rang without an answer", "es klingelte ohne Antwort"),
    "end_busy": ("you were in another call", "Sie waren in einem anderen Gespräch"),
    "end_failed": ("your Teams client could not be reached", "Ihr Teams-Client war nicht erreichbar"),
    "end_agent_lost": ("your Teams client went away", "Ihr Teams-Client wurde getrennt"),
    "end_unsure": ("your Teams client may not have rung", "Ihr Teams-Client hat vielleicht nicht geklingelt"),
    "end_withdrawn": ("the caller left or someone else answered", "beendet oder von jemand anderem angenommen"),
    "end_caller_left": ("the caller hung up", "der Anrufer hat aufgelegt"),
    "break_declines": ("several calls declined", "mehrere Anrufe abgelehnt"),
    "why_withheld": ("number withheld", "Rufnummer unterdrückt"),
    "why_short_number": ("short or service number", "Kurz- oder Servicenummer"),
    "why_unknown": ("no matching record", "kein passender Datensatz"),
    "why_several_matches": ("several records match", "mehrere passende Datensätze"),
    "why_uncertain": ("the match is uncertain", "der Treffer ist unsicher"),
    "why_crm": ("the CRM could not be reached", "das CRM war nicht erreichbar"),
    "why_other": ("a person has to look at it", "eine Person muss es prüfen"),
    # calling somebody
    "calling": ("Outgoing call", "Ausgehender Anruf"),
    "calling_agent": (
        "Answer in Teams: your client rings first.",
        "Nehmen Sie in Teams an: Ihr Client klingelt zuerst.",
    ),
    "calling_party": ("It rings.", "Es klingelt."),
    "call_back": ("Call back", "Zurückrufen"),
    "call_out": ("Call", "Anrufen"),
    "call_whom": ("Call {number} for which queue?", "{number} für welche Warteschlange anrufen?"),
    "call_begins": ("Your Teams client rings first.", "Ihr Teams-Client klingelt zuerst."),
    "not_free": (
        "You can call when you are ready or on a break.",
        "Sie können anrufen, wenn Sie bereit oder in Pause sind.",
    ),
    "help_call": ("call somebody on behalf of your queue", "jemanden für Ihre Warteschlange anrufen"),
    # passing a caller on
    "pass_on": ("Pass on", "Weitergeben"),
    "pass_whom": ("To whom", "An wen"),
    "pass_number": ("Or a telephone number", "Oder eine Telefonnummer"),
    "pass_blind": ("Transfer", "Verbinden"),
    "pass_consult": ("Ask first", "Rückfrage"),
    "pass_conference": ("Add to the call", "Dazuholen"),
    "pass_complete": ("Hand over", "Übergeben"),
    "pass_back": ("Back to the caller", "Zurück zum Anrufer"),
    "pass_cancel": ("Stop ringing", "Klingeln beenden"),
    "pass_anyway": ("Do it anyway", "Trotzdem"),
    "released_hint": (
        "This call is no longer seen by us. Please say when it is over.",
        "Dieses Gespräch sehen wir nicht mehr. Bitte sagen Sie, wenn es beendet ist.",
    ),
    "released_over": ("The call is over", "Gespräch ist beendet"),
    "hang_up": ("Hang up", "Auflegen"),
    "pass_rings": ("{name} is being rung", "Es klingelt bei {name}"),
    "pass_consults": ("You talk to {name}", "Sie sprechen mit {name}"),
    "pass_together": ("{name} is in the call too", "{name} ist mit im Gespräch"),
    "pass_held": ("The caller hears music.", "Der Anrufer hört Musik."),
    "pass_not_held": ("The caller can hear you.", "Der Anrufer kann Sie hören."),
    "pass_failed": ("{name}: {why}", "{name}: {why}"),
    "pass_somebody": ("The number", "Die Nummer"),
    "pass_done": ("passed on", "weitergegeben"),
    "pass_busy": ("busy", "besetzt"),
    "pass_no_answer": ("no answer", "keine Antwort"),
    "pass_declined": ("declined", "abgelehnt"),
    "pass_unreachable": ("cannot be reached", "nicht erreichbar"),
    "pass_forbidden": ("Teams does not allow it", "Teams lässt es nicht zu"),
    "pass_number_not_allowed": ("this number is not dialled", "diese Nummer wird nicht gewählt"),
    "pass_timed_out": ("no answer", "keine Antwort"),
    "pass_cancelled": ("taken back", "zurückgenommen"),
    "pass_left": ("has left the call", "hat das Gespräch verlassen"),
    "pass_caller_left": ("the caller hung up", "der Anrufer hat aufgelegt"),
    "passed": ("Passed on", "Weitergegeben"),
    "passed_hint": ("Somebody else talks to the caller now.", "Jemand anderes spricht jetzt mit dem Anrufer."),
    "passed_by": ("Passed on by {name}", "Weitergegeben von {name}"),
    "doubt_queue_closed": ("That queue is closed.", "Diese Warteschlange ist geschlossen."),
    "doubt_nobody_there": ("Nobody is signed in there.", "Dort ist niemand angemeldet."),
    "doubt_agent_away": ("They do not take calls now.", "Diese Person nimmt gerade keine Anrufe an."),
    "agent_busy": ("They are in a call.", "Diese Person ist im Gespräch."),
    "number_not_allowed": (
        "Short, emergency and incomplete numbers are not dialled.",
        "Kurz-, Notruf- und unvollständige Nummern werden nicht gewählt.",
    ),
    "nobody_to_pass_to": ("Please say to whom.", "Bitte wählen Sie, an wen."),
    # states
    "offline": ("Offline", "Abgemeldet"),
    "ready": ("Ready", "Bereit"),
    "break": ("On a break", "In Pause"),
    "talking": ("In conversation", "Im Gespräch"),
    "state_ringing": ("A call rings", "Ein Anruf klingelt"),
    "state_wrap_up": ("Wrapping up", "In Nachbearbeitung"),
    "not_responding": ("Not responding", "Nicht erreichbar"),
    "not_responding_hint": (
        "You missed a call. Write *ready* to take calls again.",
        "Sie haben einen Anruf verpasst. Schreiben Sie *bereit*, um wieder Anrufe zu erhalten.",
    ),
    "elsewhere_hint": (
        "You are in another call in Teams. Meanwhile calls go to others.",
        "Sie sind in Teams in einem anderen Gespräch. Solange gehen Anrufe an andere.",
    ),
    "set_for_you": (
        "Your state has been set for you.",
        "Ihr Status wurde für Sie gesetzt.",
    ),
    "go_ready": ("Ready", "Bereit"),
    "go_break": ("Break", "Pause"),
    "go_offline": ("No more calls today", "Heute keine Anrufe mehr"),
    "break_reason": ("Reason of the break", "Grund der Pause"),
    "break_reason_missing": ("Please choose a reason.", "Bitte wählen Sie einen Grund."),
    "held_hint": (
        "While Teams shows you as {presence}, calls go to others.",
        "Solange Teams Sie als {presence} zeigt, gehen Anrufe an andere.",
    ),
    # answers of the bot
    "your_status": ("Your status", "Ihr Status"),
    "your_queues": ("Your queues", "Ihre Warteschlangen"),
    "queue": ("Queue", "Warteschlange"),
    "waiting": ("waiting", "wartend"),
    "longest": ("longest", "längste"),
    "agents_ready": ("ready", "bereit"),
    "no_queues": ("You serve no queue yet.", "Sie bedienen noch keine Warteschlange."),
    "presence": ("Teams presence: {presence} ({age} ago)", "Teams-Anwesenheit: {presence} (vor {age})"),
    "help_title": ("What I understand", "Was ich verstehe"),
    "help_intro": (
        "I bring you the calls of your queues. When one rings, its card tells you who calls.",
        "Ich bringe Ihnen die Anrufe Ihrer Warteschlangen. Klingelt einer, zeigt seine Karte, wer anruft.",
    ),
    "help_ready": ("take calls", "Anrufe annehmen"),
    "help_break": ("take a break, with a reason if you like", "Pause machen, auf Wunsch mit Grund"),
    "help_offline": ("no more calls today", "heute keine Anrufe mehr"),
    "help_status": ("how you stand", "Ihr Stand"),
    "help_missed": ("missed calls of your queues", "verpasste Anrufe Ihrer Warteschlangen"),
    "help_queues": ("who waits in your queues", "wer in Ihren Warteschlangen wartet"),
    "help_help": ("this overview", "diese Übersicht"),
    "hello": ("Hello!", "Guten Tag!"),
    "unknown_word": (
        "I did not understand that. This is what I understand:",
        "Das habe ich nicht verstanden. Das verstehe ich:",
    ),
    "not_an_agent": (
        "You are not set up as an agent yet. Please ask your administrator.",
        "Sie sind noch nicht als Agent eingerichtet. Bitte wenden Sie sich an Ihre Administration.",
    ),
    "not_ready": (
        "Write “ready” first, then you can take calls.",
        "Schreiben Sie zuerst „bereit“, dann können Sie Anrufe annehmen.",
    ),
    "too_late": ("That call is no longer waiting.", "Dieser Anruf wartet nicht mehr."),
    "in_progress": ("It is being done.", "Wird ausgeführt."),
    "try_again": ("That did not work. Please try again.", "Das hat nicht geklappt. Bitte versuchen Sie es erneut."),
    "only_personal": (
        "I work in a personal chat only. Please write to me there.",
        "Ich arbeite nur im persönlichen Chat. Bitte schreiben Sie mir dort.",
    ),
    "unreadable": ("The input is incomplete. Please check it.", "Die Eingabe ist unvollständig. Bitte prüfen Sie sie."),
}
