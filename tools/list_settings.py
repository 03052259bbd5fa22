"""Lists docs/reference/settings.md from the settings themselves: `python -m tools.list_settings`."""

from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cordpair.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "settings.md"

_HEAD = """# Settings

<!-- Listed from `src/cordpair/settings.py` by `python -m tools.list_settings`. Change the fields, not this page. -->

Read once from the environment when cordpair starts. A wrong one stops the start with one line that names it.
`cordpair settings` prints those in force; secrets are never printed.

| variable | default | what for |
| --- | --- | --- |
"""


def default(field: FieldInfo) -> str:
    """A default as a person would write it into the environment."""
    match field.default:
        case SecretStr() | "":
            return "empty"
        case Path() as path:
            return f"`{str(path).replace(str(Path.home()), '~')}`"
        case tuple() as several:
            return "`[" + ", ".join(f'"{each}"' for each in several) + "]`"
        case other:
            return f"`{other}`"


def page() -> str:
    """The text that the page must have."""
    rows = [
        f"| `CORDPAIR_{name.upper()}` | {default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
