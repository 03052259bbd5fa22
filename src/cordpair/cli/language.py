"""In which language a command speaks."""

from collections.abc import Mapping

from cordpair.errors import Rejected

LANGUAGES = ("en", "de")
HELP = "en or de; otherwise as LANG says."


def chosen_language(asked: str, environment: Mapping[str, str]) -> str:
    """The language asked for, else that of the environment, else English. Raises Rejected for one we do not speak."""
    if asked:
        if asked not in LANGUAGES:
            raise Rejected(f"--lang: {' or '.join(LANGUAGES)}")
        return asked
    named = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "de" if named.lower().startswith("de") else "en"
