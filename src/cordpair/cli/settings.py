"""`cordpair settings`: every setting, what it is for and what it is now."""

import re
from typing import Any

import typer
from pydantic import SecretStr

from cordpair.settings import Settings, read_settings


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("settings")
    def settings_command() -> None:
        """List every setting with its meaning, its default and its value. Secrets are never shown."""
        values = read_settings()
        for name, field in Settings.model_fields.items():
            value = getattr(values, name)
            print(f"CORDPAIR_{name.upper()}")
            print(f"    {field.description}")
            shown = _shown(value)
            print(f"    now: {shown}" + ("" if value == field.get_default() else "  (set)"))


#: Of the address of a database; it may stand among the parameters too.
_PASSWORD = re.compile(r"://(?P<user>[^:/@]*):[^@]*@")
_PARAMETER = re.compile(r"(password=)[^&]*")


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(a secret)" if value.get_secret_value() else "(empty)"
    if value == "":
        return "(empty)"
    return _PARAMETER.sub(r"\1(a secret)", _PASSWORD.sub(r"://\g<user>:(a secret)@", str(value)))
