"""The `cordpair` command."""

import importlib
import sys

import typer

from cordpair import __version__
from cordpair.errors import CordpairError

app = typer.Typer(
    name="cordpair",
    help="A self-hosted contact centre that lives inside Microsoft Teams.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


#: One module for each command; a command is loaded when it is asked for, so that it starts fast.
_COMMANDS = (
    "serve",
    "demo",
    "tenant",
    "config",
    "flow",
    "prompt",
    "doctor",
    "parked",
    "floor_link",
    "audit",
    "settings",
    "staffing",
    "simulate",
    "why",
    "connector",
    "hooks",
    "parties",
    "reconcile",
)


@app.callback()
def _group() -> None:
    """Keep names of commands even where only one is loaded."""


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Run the command. An expected error is one line on standard error and exit code 1."""
    for name in _asked_for(sys.argv[1:]):
        importlib.import_module(f"cordpair.cli.{name}").add_to(app)
    try:
        app()
    except CordpairError as exc:
        print(f"cordpair: {exc}", file=sys.stderr)
        raise SystemExit(1) from exc


def _asked_for(arguments: list[str]) -> tuple[str, ...]:
    """The modules to load: that of the named command, or all of them for help and for what is none."""
    named = arguments[0].replace("-", "_") if arguments else ""
    if named == "version":
        return ()
    return (named,) if named in _COMMANDS else _COMMANDS
