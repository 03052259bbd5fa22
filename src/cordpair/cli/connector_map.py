"""`cordpair connector map`: which columns of an iMIS panel table hold a task. iMIS is asked what the table has."""

import asyncio
import os
from typing import Annotated

import httpx
import msgspec
import typer

from cordpair.cli.opened import open_store, the_tenant
from cordpair.connectors.imis.columns import Columns, columns_of
from cordpair.connectors.imis.session import ImisSession
from cordpair.connectors.imis.settings import read_settings as read_imis
from cordpair.core.audit import operator_actor
from cordpair.core.tenant import TenantSetup
from cordpair.engine.clock import SystemClock
from cordpair.engine.privileged import apply_setup
from cordpair.errors import Rejected
from cordpair.settings import read_settings

_MEANINGS = {
    "subject": ("what is to be done", ("subject", "title", "name", "description")),
    "due": ("until when", ("duedate", "due", "followupdate", "date")),
    "note": ("more words about it", ("notes", "note", "comment", "text")),
    "guard": (
        "our key, at least 10 characters wide and nobody else's",
        ("externalkey", "external", "key", "reference"),
    ),
}
_NEEDED = ("subject", "guard")


def map_tasks(
    table: Annotated[str, typer.Argument(help="Name of the panel table, as iMIS has it.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed for one alone.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take what is proposed without asking.")] = False,
) -> None:
    """Map the columns of an iMIS panel table, so that follow-ups are written there; stores the setting."""
    asyncio.run(_map(table, tenant, ask=not yes))


def proposed(columns: Columns) -> dict[str, str]:
    """A column for each meaning, by its name, as far as there is one."""
    found: dict[str, str] = {}
    for meaning, (_, words) in _MEANINGS.items():
        free = [one for one in columns.known.values() if one.name not in found.values()]
        if meaning == "guard":
            free = [one for one in free if one.width is None or one.width >= 10]
        fitting = (one.name for word in words for one in free if word in one.name.lower().replace("_", ""))
        if name := next(fitting, ""):
            found[meaning] = name
    return found


def written(chosen: dict[str, str]) -> str:
    """The setting `task_columns`."""
    return " ".join(f"{meaning}={column}" for meaning, column in chosen.items() if column)


async def _map(table: str, named: str | None, *, ask: bool) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
        if setup is None or setup.crm is None or setup.crm.connector != "imis":
            raise Rejected("this organisation's CRM is not iMIS")
        columns = await _columns(setup, table)
        chosen = _chosen(columns, ask=ask)
        settings = setup.crm.settings | {"task_table": table, "task_columns": written(chosen)}
        changed = msgspec.structs.replace(setup, crm=msgspec.structs.replace(setup.crm, settings=settings))
        assert changed.crm is not None
        read_imis(changed.crm)
        await apply_setup(store, changed, by=operator_actor(os.getuid()), now=SystemClock().now())
    print("stored. In the organisation's file, under [crm.settings]:")
    print(f'task_table = "{table}"')
    print(f'task_columns = "{written(chosen)}"')


async def _columns(setup: TenantSetup, table: str) -> Columns:
    assert setup.crm is not None
    async with httpx.AsyncClient() as http:
        columns = await columns_of(ImisSession(read_imis(setup.crm), http, SystemClock().now), table)
    if columns is None or not columns.known:
        raise Rejected(f"iMIS does not tell what the table {table} has; is its name spelled so?")
    return columns


def _chosen(columns: Columns, *, ask: bool) -> dict[str, str]:
    found = proposed(columns)
    names = {one.name.lower(): one.name for one in columns.known.values()}
    if ask:
        print("columns: " + ", ".join(sorted(names.values())))
    for meaning, (what, _) in _MEANINGS.items() if ask else ():
        given = typer.prompt(f"{meaning} ({what}; - for none)", default=found.get(meaning, "-"))
        if given != "-" and given.lower() not in names:
            raise Rejected(f"there is no column {given}")
        found[meaning] = "" if given == "-" else names[given.lower()]
    if missing := [meaning for meaning in _NEEDED if not found.get(meaning)]:
        raise Rejected(f"no column was named for {', '.join(missing)}")
    return found
