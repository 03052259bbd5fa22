"""`cordpair doctor`: what is wrong with this installation, and what to do about it."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

import httpx
import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.engine.clock import SystemClock
from cordpair.engine.doctor import examine_outside, examine_tenants
from cordpair.engine.doctor_database import examine_databases, examine_reach, is_fit
from cordpair.engine.findings import Finding, Level, problem
from cordpair.errors import CordpairError
from cordpair.settings import Settings, read_settings
from cordpair.store import postgres
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.operator_key import read_operator_key

_MARKS = {
    "en": {Level.OK: "ok     ", Level.WARNING: "WARNING", Level.PROBLEM: "PROBLEM"},
    "de": {Level.OK: "ok     ", Level.WARNING: "WARNUNG", Level.PROBLEM: "PROBLEM"},
}
_SUMS = {
    "en": "problems: {problems}, warnings: {warnings}",
    "de": "Probleme: {problems}, Warnungen: {warnings}",
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("doctor")
    def doctor_command(
        as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """Examine the installation and every organisation: each finding with its cure. Exit code 1 on a problem."""
        language = chosen_language(lang, os.environ)
        findings = asyncio.run(examine(read_settings(), os.environ))
        print(as_text(findings, language) if not as_json else json.dumps(as_data(findings, language), indent=2))
        raise typer.Exit(1 if worst(findings) is Level.PROBLEM else 0)


async def examine(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """All findings, those about the installation first. Organisations are left out while their database is unfit.

    `environment` holds the variables of OpenTelemetry's exporter.
    """
    tls, wall = httpx.create_ssl_context(), SystemClock()  # as `cordpair serve` asks others
    async with httpx.AsyncClient(timeout=10, verify=tls) as http:
        inside, tenants = await _inside(settings, http)
        return [*inside, *await examine_outside(settings, http, tls, wall, environment), *tenants]


async def _inside(settings: Settings, http: httpx.AsyncClient) -> tuple[list[Finding], list[Finding]]:
    """What the databases are like, and the organisations in them."""
    if refused := await examine_reach(settings):
        return refused, []
    try:
        async with postgres.running(settings) as databases:
            found = await examine_databases(databases)
            return found, await _tenants(databases, settings, http) if is_fit(found) else []
    except CordpairError as exc:
        return [problem("start.refused", why=str(exc))], []


async def _tenants(databases: Databases, settings: Settings, http: httpx.AsyncClient) -> list[Finding]:
    store = await Store.open(databases, read_operator_key(settings), pool_size=4)
    try:
        return await examine_tenants(store, settings, http, SystemClock(), SystemClock())
    finally:
        await store.close()


def worst(findings: Sequence[Finding]) -> Level:
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.PROBLEM, Level.WARNING) if level in levels), Level.OK)


def as_data(findings: Sequence[Finding], language: str) -> dict[str, object]:
    """For programs: the worst level, and each finding with its key."""
    return {
        "level": worst(findings),
        "findings": [
            {
                "check": it.check,
                "key": it.key,
                "level": it.level,
                "organisation": it.organisation,
                "text": it.text(language),
                "cure": it.cure(language),
            }
            for it in findings
        ],
    }


def as_text(findings: Sequence[Finding], language: str) -> str:
    """For people: a line for each finding, below it what to do, where something is to be done; the sum of all."""
    lines, organisation = [], ""
    for it in findings:
        if it.organisation != organisation:
            organisation = it.organisation
            lines.append(f"\n{organisation}")
        lines.append(f"{_MARKS[language][it.level]}  {it.text(language)}")
        if cure := it.cure(language):
            lines.append(f"         -> {cure}")
    levels = Counter(it.level for it in findings)
    lines.append("\n" + _SUMS[language].format(problems=levels[Level.PROBLEM], warnings=levels[Level.WARNING]))
    return "\n".join(lines)
