"""`cordpair parties`: how clean the phone index of an organisation is."""

import asyncio
import json
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.connectors.registry import title
from cordpair.core.party import PartyRecord
from cordpair.engine.cards import readable
from cordpair.errors import Rejected
from cordpair.settings import read_settings
from cordpair.store.parties import SharedNumber

_SUMS = {
    "en": "{count} numbers are shared by {least} parties or more",
    "de": "{count} Nummern gehören zu mindestens {least} Kontakten",
}
_HINTS = {
    "en": "Who calls from such a number has to be chosen by the agent. Merge doubles in the CRM, or give each its own.",
    "de": "Wer von so einer Nummer anruft, muss von Hand gewählt werden. Führen Sie Dubletten im CRM zusammen.",
}
_UNNAMED = {"en": "without a name", "de": "ohne Namen"}

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at the phone index.", no_args_is_help=True)
    app.add_typer(group, name="parties")

    @group.callback()
    def _group() -> None:
        """Keep the name of the one command."""

    @group.command("shared")
    def shared_command(
        tenant: Tenant = None,
        least: Annotated[int, typer.Option("--least", help="By so many parties at least.")] = 2,
        as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """List numbers that several parties have, the most shared first."""
        if least < 2:
            raise Rejected("--least: 2 or more")
        language = chosen_language(lang, os.environ)
        found = asyncio.run(_shared(tenant, least))
        print(json.dumps(as_data(found), indent=2) if as_json else as_text(found, least, language))


async def _shared(named: str | None, least: int) -> list[SharedNumber]:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            return await rows.parties.shared(least)


def as_data(found: Sequence[SharedNumber]) -> list[dict[str, object]]:
    return [
        {
            "number": one.e164,
            "parties": [
                {"crm": party.ref.connector, "id": party.ref.id, "name": party.name, "company": party.company}
                for party in one.parties
            ],
        }
        for one in found
    ]


def as_text(found: Sequence[SharedNumber], least: int, language: str) -> str:
    lines = [line for one in found for line in _lines(one, language)]
    total = _SUMS[language].format(count=len(found), least=least)
    return "\n".join([*lines, total, *([_HINTS[language]] if found else [])])


def _lines(one: SharedNumber, language: str) -> list[str]:
    return [f"{readable(one.e164)}  ({len(one.parties)})", *(f"    {_named(it, language)}" for it in one.parties)]


def _named(party: PartyRecord, language: str) -> str:
    name = " · ".join(part for part in (party.name, party.company) if part) or _UNNAMED[language]
    return f"{title(party.ref.connector)} {party.ref.id}  {name}"
