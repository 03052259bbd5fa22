"""`cordpair connector`: which CRMs can be connected, a new mapping, a try before it is saved, and iMIS's tasks."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from cordpair.cli.connector_map import map_tasks
from cordpair.cli.connector_try import Trial, shown, tried
from cordpair.connectors.ladder import LADDER, words
from cordpair.connectors.registry import title
from cordpair.connectors.rest import read_mapping, shipped_names, shipped_text
from cordpair.connectors.rest.skeleton import read_document, skeleton
from cordpair.errors import Rejected


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Connect a CRM.", no_args_is_help=True)
    app.add_typer(group, name="connector")
    group.command("list")(list_command)
    group.command("new")(new)
    group.command("test")(try_mapping)
    group.command("map")(map_tasks)


def list_command() -> None:
    """List what can be connected, and what its tests have shown of it."""
    for name, step in LADDER.items():
        print(f"{name:<12} {title(name):<16} {step.level:<9} {words(step)}")


def new(
    name: Annotated[str, typer.Option("--name", help="Short name of the CRM, in small letters.")],
    openapi: Annotated[Path | None, typer.Option("--openapi", help="OpenAPI document, JSON (or YAML).")] = None,
    like: Annotated[str, typer.Option("--like", help="Begin with a mapping that comes with cordpair.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: NAME.toml.")] = None,
) -> None:
    """Write the skeleton of a mapping file, from an OpenAPI document or like one that there is."""
    text = skeleton(_document(openapi), name) if openapi else _like(like or "hubspot", name)
    read_mapping(text, "the skeleton")
    file = out or Path(f"{name}.toml")
    if file.exists():
        raise Rejected(f"{file} exists already")
    file.write_text(text, encoding="utf-8")
    print(f"{file} is written. Look at the lines that say LOOK, then: cordpair connector test {file} --number +49...")


def try_mapping(
    what: Annotated[str, typer.Argument(help="A mapping file, or the name of one that comes with cordpair.")],
    number: Annotated[str, typer.Option("--number", help="A number that somebody in the CRM has: +49...")],
    given: Annotated[list[str] | None, typer.Option("--set", help="A setting: name=value.")] = None,
    region: Annotated[str, typer.Option("--region", help="Country of national numbers.")] = "DE",
    time_zone: Annotated[str, typer.Option("--time-zone", help="IANA time zone.")] = "Europe/Berlin",
    sync: Annotated[bool, typer.Option("--sync", help="Read the first page of a sync too.")] = False,
) -> None:
    """Try a mapping before it is saved: each request and answer without secrets, and who was found.

    Nothing is written. Secrets are taken from CORDPAIR_CRM_<NAME>, or asked for without showing them.
    """
    file = Path(what)
    shipped = what in shipped_names()
    try:
        text = shipped_text(what) if shipped else file.read_text(encoding="utf-8")
    except OSError as exc:
        raise Rejected(
            f"{file}: {exc.strerror}; mappings that come with cordpair: {', '.join(shipped_names())}"
        ) from exc
    mapping = read_mapping(text, what if not shipped else f"{what}.toml")
    settings = dict(_pair(one) for one in given or [])
    secrets = {name: _secret(name, one.en, one.default) for name, one in mapping.secrets.items()}
    case = Trial(mapping=mapping, settings=settings, secrets=secrets, number=number, region=region, zone=time_zone)
    for line in shown(asyncio.run(tried(case, sync=sync))):
        print(line)


def _like(shipped: str, name: str) -> str:
    return shipped_text(shipped).replace(f'name = "{shipped}"', f'name = "{name}"', 1)


def _document(file: Path) -> dict[str, object]:
    try:
        return dict(read_document(file.read_text(encoding="utf-8"), str(file)))
    except OSError as exc:
        raise Rejected(f"{file}: {exc.strerror}") from exc


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Rejected(f"--set {text}: write name=value")
    return name, value


def _secret(name: str, meaning: str, default: str | None) -> str:
    found = os.environ.get(f"CORDPAIR_CRM_{name.upper()}", default)
    return found if found is not None else typer.prompt(f"{name} ({meaning})", hide_input=True)
