"""The `cordpair` command."""

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


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Run the command. An expected error is one line on standard error and exit code 1."""
    from cordpair.cli import demo, floor_link, parked, serve, settings, tenant

    for module in (serve, demo, tenant, parked, floor_link, settings):
        module.add_to(app)
    try:
        app()
    except CordpairError as exc:
        print(f"cordpair: {exc}", file=sys.stderr)
        raise SystemExit(1) from exc
