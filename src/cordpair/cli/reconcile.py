"""`cordpair reconcile`: what we believe to have written, against what the CRM holds."""

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import httpx
import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.connectors.registry import open_crm, title
from cordpair.engine.clock import SystemClock
from cordpair.engine.reconcile import Difference, Finding, Reconciler
from cordpair.errors import Rejected
from cordpair.settings import read_settings

_WORDS = {
    "en": {
        Finding.MISSING: "missing in {crm}",
        Finding.UNHEARD: "in {crm}, but not in our books",
        Finding.DOUBLED: "twice in {crm}: somebody has to delete one",
        "sum": "{compared} calls compared, {count} stand otherwise",
        "healed": "what is missing is written again, what was unheard is taken down",
    },
    "de": {
        Finding.MISSING: "fehlt in {crm}",
        Finding.UNHEARD: "steht in {crm}, aber nicht bei uns",
        Finding.DOUBLED: "doppelt in {crm}: eine Person muss eins davon löschen",
        "sum": "{compared} Gespräche verglichen, {count} stehen anders",
        "healed": "Was fehlt, wird neu geschrieben; was wir nicht kannten, ist nachgetragen",
    },
}

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("reconcile")
    def reconcile_command(
        tenant: Tenant = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look.")] = False,
        hours: Annotated[int, typer.Option("--hours", help="How far to look back, 1 to 3600.")] = 49,
        as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """Compare closed calls with the CRM and write again what is missing there; it happens by itself each night."""
        if not 1 <= hours <= 3600:
            raise Rejected("--hours: 1 to 3600")
        language = chosen_language(lang, os.environ)
        crm, compared, found = asyncio.run(_reconcile(tenant, timedelta(hours=hours), heals=not dry_run))
        print(as_json_text(compared, found) if as_json else as_text(crm, compared, found, language, healed=not dry_run))
        raise typer.Exit(1 if any(one.finding is Finding.DOUBLED for one in found) else 0)


async def _reconcile(named: str | None, looks_back: timedelta, *, heals: bool) -> tuple[str, int, list[Difference]]:
    clock = SystemClock()
    async with open_store(read_settings()) as store, httpx.AsyncClient(timeout=10) as http:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
        if setup is None or setup.crm is None:
            raise Rejected("this organisation has no CRM")
        crm = open_crm(setup.crm, region=setup.region, time_zone=setup.time_zone, http=http, clock=clock)
        reconciler = Reconciler(tenant, store, crm)
        due = await reconciler.due(clock.now(), looks_back)
        found = await reconciler.compare(due)
        if heals:
            await reconciler.heal(found, clock.now())
        return title(crm.name), len(due), found


def as_json_text(compared: int, found: Sequence[Difference]) -> str:
    lines = [{"call": one.call, "finding": one.finding.value, "references": list(one.references)} for one in found]
    return json.dumps({"compared": compared, "differences": lines}, indent=2)


def as_text(crm: str, compared: int, found: Sequence[Difference], language: str, *, healed: bool) -> str:
    words = _WORDS[language]
    lines = [f"{one.call}  {words[one.finding].format(crm=crm)}  ({', '.join(one.references)})" for one in found]
    total = words["sum"].format(compared=compared, count=len(found))
    return "\n".join([*lines, total, *([words["healed"]] if found and healed else [])])
