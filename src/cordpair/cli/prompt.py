"""`cordpair prompt`: the sounds that callers hear, uploaded by name."""

import asyncio
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.connectors.speech.espeak import Espeak
from cordpair.core.flow_prompts import uses_of
from cordpair.engine.clock import SystemClock
from cordpair.engine.sounds import Sounds
from cordpair.errors import Rejected
from cordpair.settings import read_settings

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]
Lang = Annotated[str, typer.Option("--lang", help=HELP)]
File = Annotated[Path, typer.Argument(help="WAV file: 16 kHz, mono, 16-bit PCM.")]
Name = Annotated[str, typer.Argument(help="The name that flows and queues call it by.")]
Named = Annotated[str, typer.Option("--name", help="The name that flows and queues call it by; otherwise the file's.")]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TEXTS = {
    "added": ("prompt {name}, version {version}: {seconds:.1f} s", "Ansage {name}, Version {version}: {seconds:.1f} s"),
    "listed": (
        "{name}  version {version}  {seconds:.1f} s  since {since:%Y-%m-%d %H:%M}",
        "{name}  Version {version}  {seconds:.1f} s  seit {since:%Y-%m-%d %H:%M}",
    ),
    "none": ("no prompts are uploaded", "es sind keine Ansagen hochgeladen"),
    "used": ("  said by: {places}", "  gesagt von: {places}"),
    "unused": ("  said by nobody", "  wird nirgends gesagt"),
    "removed": ("prompt {name} is gone", "Ansage {name} ist entfernt"),
}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The sounds that callers hear.", no_args_is_help=True)
    app.add_typer(group, name="prompt")

    @group.command("add")
    def add(file: File, name: Named = "", tenant: Tenant = None, lang: Lang = "") -> None:
        """Upload a prompt; a name that there is already becomes this sound."""
        asyncio.run(_add(file, _read(file), name or file.stem, tenant, chosen_language(lang, os.environ)))

    @group.command("list")
    def list_command(tenant: Tenant = None, lang: Lang = "") -> None:
        """List the uploaded prompts, and who says them."""
        asyncio.run(_list(tenant, chosen_language(lang, os.environ)))

    @group.command("remove")
    def remove(
        name: Name,
        tenant: Tenant = None,
        force: Annotated[bool, typer.Option("--force", help="Also one that a flow or a queue says.")] = False,
        lang: Lang = "",
    ) -> None:
        """Remove a prompt. One that a flow or a queue says stays, unless --force is given."""
        asyncio.run(_remove(name, tenant, force, chosen_language(lang, os.environ)))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise Rejected(f"{file} cannot be read: {exc.strerror}") from exc


async def _add(file: Path, data: bytes, name: str, named: str | None, language: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise Rejected(f'"{name}" is no name for a prompt: small letters, digits, - and _, at most 40')
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        try:
            version, seconds = await Sounds(store, SystemClock(), Espeak()).add(tenant, name, data)
        except Rejected as exc:
            raise Rejected(f"{file}: {exc}") from exc
    print(_say("added", language, name=name, version=version, seconds=seconds))


async def _list(named: str | None, language: str) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            prompts, setup = await rows.prompts.all(), await rows.setups.get()
    for one in prompts:
        print(_say("listed", language, name=one.name, version=one.version, seconds=one.seconds, since=one.added_at))
        places = uses_of(one.name, setup) if setup else ()
        print(_say("used", language, places=", ".join(places)) if places else _say("unused", language))
    if not prompts:
        print(_say("none", language))


async def _remove(name: str, named: str | None, force: bool, language: str) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
            places = uses_of(name, setup) if setup else ()
            if places and not force:
                raise Rejected(f"{name} is said by {', '.join(places)}; --force removes it all the same")
            if not await rows.prompts.remove(name):
                raise Rejected(f"there is no prompt {name}")
    print(_say("removed", language, name=name))


def _say(text: str, language: str, **values: object) -> str:
    return _TEXTS[text][language == "de"].format(**values)
