"""`cordpair audit`: who used privileged rights, and whether the trail of it is whole."""

import asyncio
import json
import os
import re
from typing import Annotated

import msgspec
import typer

from cordpair.cli.language import chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.audit import Trail
from cordpair.core.audit_check import Fault, FaultKind, faults, holds
from cordpair.core.ids import TenantId
from cordpair.engine.clock import SystemClock
from cordpair.errors import Rejected
from cordpair.settings import read_settings
from cordpair.store.audit import PERIODS, Shown
from cordpair.store.doors import Store

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_WORDS: dict[FaultKind, tuple[str, str]] = {
    FaultKind.ENTRY_CHANGED: ("the entry was changed", "der Eintrag wurde verändert"),
    FaultKind.ENTRY_MISSING: ("the entry is missing", "der Eintrag fehlt"),
    FaultKind.CHAIN_BROKEN: ("does not follow the entry before it", "folgt nicht auf den Eintrag davor"),
    FaultKind.RECORD_CHANGED: ("the record was changed", "die Aufzeichnung wurde verändert"),
    FaultKind.RECORD_MISSING: ("the record is gone before its time", "die Aufzeichnung fehlt vor ihrer Zeit"),
    FaultKind.RECORD_STRAY: ("a record without an entry", "eine Aufzeichnung ohne Eintrag"),
    FaultKind.RECORD_OVERDUE: ("the record was kept too long", "die Aufzeichnung wurde zu lange aufbewahrt"),
    FaultKind.HEAD_WRONG: ("the head is not the signed end", "das Ende stimmt nicht mit dem unterschriebenen überein"),
    FaultKind.CHECKPOINT_WRONG: ("the checkpoint does not fit", "der Prüfpunkt passt nicht"),
    FaultKind.NOT_THAT_HEAD: ("is not the entry that was noted down", "ist nicht der Eintrag, der notiert wurde"),
}  # fmt: skip


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one tenant's trail. `head` is `{number}:{digest}`, to be noted down outside."""

    tenant: TenantId
    entries: int
    records: int
    checkpoints: int
    head: str
    signer: str
    faults: tuple[Fault, ...]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The trail of privileged actions.", no_args_is_help=True)
    app.add_typer(group, name="audit")

    @group.command("verify")
    def verify(
        tenant: Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; otherwise all.")] = None,
        head: Annotated[str, typer.Option("--head", help="NUMBER:DIGEST that an earlier run printed.")] = "",
        as_json: AsJson = False,
        lang: Annotated[str, typer.Option("--lang", help="en or de; otherwise as LANG says.")] = "",
    ) -> None:
        """Say whether anything was changed, removed, moved or put in between. Exit code 1 when it was."""
        language, noted = chosen_language(lang, os.environ), _noted(head)
        if noted is not None and tenant is None:
            raise Rejected("--head belongs to one organisation: name it by --tenant")
        verdicts = asyncio.run(_verify(tenant, noted))
        print(json.dumps(msgspec.to_builtins(verdicts), indent=2) if as_json else _as_text(verdicts, language))
        raise typer.Exit(1 if any(it.faults for it in verdicts) else 0)

    @group.command("show")
    def show(
        tenant: Tenant = None,
        last: Annotated[int, typer.Option("--last", min=1, help="How many, the newest first.")] = 50,
        as_json: AsJson = False,
    ) -> None:
        """Show privileged actions: when, by whom, what, on what."""
        for line in asyncio.run(_show(tenant, last)):
            print(msgspec.json.encode(line).decode() if as_json else _line(line))


async def _verify(named: str | None, noted: tuple[int, bytes] | None) -> list[Verdict]:
    async with open_store(read_settings()) as store:
        if named is not None:
            tenants = [await the_tenant(store, named)]
        else:
            async with store.open_queue() as queue:
                tenants = await queue.tenants()
        return [await _judged(store, tenant, noted) for tenant in tenants]


async def _judged(store: Store, tenant: TenantId, noted: tuple[int, bytes] | None) -> Verdict:
    async with store.open_tenant(tenant) as rows:
        trail = await rows.audit.trail()
    signing = store.keys.signing
    today = SystemClock().now().date()
    found = faults(tenant, trail, today=today, periods=PERIODS, is_signed=signing.is_signed)
    if noted is not None and not holds(trail, *noted):
        found.append(Fault(FaultKind.NOT_THAT_HEAD, noted[0]))
    return Verdict(
        tenant=tenant,
        entries=len(trail.entries),
        records=len(trail.records),
        checkpoints=len(trail.checkpoints),
        head=_head(trail),
        signer=signing.public.hex(),
        faults=tuple(found),
    )


def _head(trail: Trail) -> str:
    return "" if trail.head is None else f"{trail.head.number}:{trail.head.digest.hex()}"


def _noted(head: str) -> tuple[int, bytes] | None:
    """What `--head` says. Raises Rejected."""
    number, _, digest = head.partition(":")
    if not head:
        return None
    if re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", head) is None:
        raise Rejected("--head: NUMBER:DIGEST, as `cordpair audit verify` prints it")
    return int(number), bytes.fromhex(digest)


def _as_text(verdicts: list[Verdict], language: str) -> str:
    german = language == "de"
    lines = []
    for it in verdicts:
        counts = f"{it.entries} / {it.records} / {it.checkpoints}"
        what = "Einträge / Aufzeichnungen / Prüfpunkte" if german else "entries / records / checkpoints"
        whole = ("unversehrt" if german else "whole") if not it.faults else ("VERÄNDERT" if german else "BROKEN")
        lines.append(f"{it.tenant}  {whole}  {counts} {what}")
        lines += [f"    {fault.number}: {_WORDS[fault.kind][german]}" for fault in it.faults]
        if it.head:
            lines.append(f"    --head {it.head}")
    return "\n".join(lines)


async def _show(named: str | None, last: int) -> list[Shown]:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            return await rows.audit.shown(last)


def _line(it: Shown) -> str:
    detail = "  ".join(f"{name}: {value}" for name, value in (it.detail or {}).items())
    return f"{it.number:>6}  {it.at:%Y-%m-%d %H:%M:%S}Z  {it.actor}  {it.action}  {it.target}  {detail}".rstrip()
