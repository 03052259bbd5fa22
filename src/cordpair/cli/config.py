"""`cordpair config`: an organisation as files: what runs, what a file would change, change it, and go back."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cordpair.cli.config_applying import Applied, applied, change_of, rolled_back
from cordpair.cli.config_printing import (
    difference_lines,
    instant,
    plan_data,
    plan_lines,
    say,
    version_data,
    version_line,
)
from cordpair.cli.config_reading import read_path, write_files
from cordpair.cli.language import HELP, chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_plan import Plan, Since, between, named, since_of
from cordpair.engine.config_schema import setup_schema
from cordpair.engine.config_text import as_files, as_toml
from cordpair.engine.config_text import as_json as as_json_file
from cordpair.errors import Rejected
from cordpair.settings import read_settings

NO_CHANGES, WRONG, CHANGES = 0, 1, 2  #: exit codes of `plan`

Source = Annotated[Path, typer.Argument(help="A TOML, YAML or JSON file, or a folder with organisation, queues/ ...")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[str, typer.Option("--lang", help=HELP)]
BasedOn = Annotated[int | None, typer.Option("--based-on", help="The version that the file was made from.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Note = Annotated[str, typer.Option("--note", help="Why: kept with the version.")]


class _Group(TyperGroup):
    """A wrong option is an error like any other: exit code 1, because 2 says that there are changes."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except Exception as exc:
            if hasattr(exc, "exit_code"):
                vars(exc)["exit_code"] = WRONG
            raise


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(cls=_Group, help="An organisation as files.", no_args_is_help=True)
    app.add_typer(group, name="config")

    @group.command("schema")
    def schema() -> None:
        """Print the JSON Schema of an organisation's file, for editors."""
        print(json.dumps(setup_schema(), indent=2, ensure_ascii=False, default=instant))

    @group.command("check")
    def check(source: Source) -> None:
        """Say what is wrong with a file, with line and column; nothing is asked of an installation."""
        setup = read_path(source).setup
        print(f"{setup.name}: {len(setup.queues)} queues, {len(setup.agents)} agents, {len(setup.flows)} flows")

    @group.command("show")
    def show(
        tenant: Tenant = None,
        at: Annotated[int | None, typer.Option("--at", help="An earlier version.")] = None,
        as_json: AsJson = False,
        into: Annotated[Path | None, typer.Option("--into", help="Write the files of a folder instead.")] = None,
    ) -> None:
        """Print what runs, or ran, as a file that gives the same when it is applied. Secrets are never shown."""
        setup, version = asyncio.run(_shown(tenant, at))
        if into is not None:
            print("\n".join(write_files(into, as_files(setup, version))))
            return
        print((as_json_file if as_json else as_toml)(setup, version), end="")

    @group.command("plan")
    def plan(source: Source, based_on: BasedOn = None, as_json: AsJson = False, lang: Lang = "") -> None:
        """Say what a file would change. Exit code 0: nothing; 2: something; 1: it cannot be applied."""
        language = chosen_language(lang, os.environ)
        made = asyncio.run(change_of(read_path(source), based_on))
        _print(made, language, as_json=as_json)
        raise typer.Exit(CHANGES if made.differences else NO_CHANGES)

    @group.command("apply")
    def apply(
        source: Source,
        yes: Yes = False,
        force: Annotated[bool, typer.Option("--force", help="Also undo what others changed since.")] = False,
        note: Note = "",
        based_on: BasedOn = None,
        lang: Lang = "",
    ) -> None:
        """Show the plan, ask, and apply it: in one transaction, with who, when and why."""
        language = chosen_language(lang, os.environ)
        given = read_path(source)

        def agrees(made: Plan) -> bool:
            _print(made, language)
            if made.has_drifted and not force:
                raise Rejected(say("refused", language))
            return yes or not made.differences or _asked(language)

        _tell(asyncio.run(applied(given, agrees, note=note, based_on=based_on)), language)

    @group.command("history")
    def history(
        tenant: Tenant = None,
        last: Annotated[int, typer.Option("--last", min=1, help="How many, the newest first.")] = 20,
        as_json: AsJson = False,
        lang: Lang = "",
    ) -> None:
        """List the versions that are kept: number, when, who, why."""
        versions, zone = asyncio.run(_versions(tenant, last))
        if as_json:
            print(json.dumps([version_data(one) for one in versions], indent=2, ensure_ascii=False))
        else:
            none = [say("none", chosen_language(lang, os.environ))]
            print("\n".join([version_line(one, zone) for one in versions] or none))

    @group.command("diff")
    def diff(
        old: Annotated[int, typer.Argument(min=1, help="A version, as `history` lists it.")],
        new: Annotated[int | None, typer.Argument(min=1, help="A later one; otherwise what runs.")] = None,
        tenant: Tenant = None,
        lang: Lang = "",
    ) -> None:
        """Say in words what differs between two versions, secrets aside."""
        language = chosen_language(lang, os.environ)
        before, after = asyncio.run(_between(tenant, old, new))
        print("\n".join(difference_lines(before, after, language)))

    @group.command("rollback")
    def rollback(
        version: Annotated[int, typer.Argument(min=1, help="The version to go back to, as `history` lists it.")],
        tenant: Tenant = None,
        yes: Yes = False,
        note: Note = "",
        lang: Lang = "",
    ) -> None:
        """Make a new version that equals an earlier one. Secrets stay as they are now."""
        language = chosen_language(lang, os.environ)

        def agrees(made: Plan, gone: int) -> bool:
            _print(made, language)
            print(say("kept", language))
            if gone:
                print(say("gone", language, count=gone))
            return yes or not made.differences or _asked(language)

        _tell(asyncio.run(rolled_back(tenant, version, agrees, note=note)), language)


async def _shown(named_tenant: str | None, at: int | None) -> tuple[TenantSetup, int]:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named_tenant)
        async with store.open_tenant(tenant) as rows:
            if at is None:
                running = await rows.setups.get()
                return _there(running, "no setup runs"), await rows.setups.revision()
            version = await rows.versions.get(at)
            setup = None if version is None else named(version.setup, await rows.agents.names())
            return _there(setup, f"version {at} is not kept"), await rows.setups.revision()


def _there(setup: TenantSetup | None, otherwise: str) -> TenantSetup:
    if setup is None:
        raise Rejected(otherwise)
    return setup


async def _between(named_tenant: str | None, old: int, new: int | None) -> tuple[TenantSetup, TenantSetup]:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named_tenant)
        async with store.open_tenant(tenant) as rows:
            return await between(rows, old, new)


async def _versions(named_tenant: str | None, last: int) -> tuple[list[Since], str]:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named_tenant)
        async with store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
            found = [since_of(one) for one in await rows.versions.newest(last)]
            return found, setup.time_zone if setup else "UTC"


def _print(made: Plan, language: str, *, as_json: bool = False) -> None:
    if as_json:
        print(json.dumps(plan_data(made, language), indent=2, ensure_ascii=False, default=instant))
    else:
        print("\n".join(plan_lines(made, language)))


def _asked(language: str) -> bool:
    if not sys.stdin.isatty():
        raise Rejected("nobody is there to be asked: say --yes")
    return typer.confirm(say("ask", language))


def _tell(done: Applied, language: str) -> None:
    if done.version is None:
        if done.was_refused:
            print(say("left", language))
        return
    print(say("applied", language, name=done.name, version=done.version))
    if done.file:
        print(say("noted" if done.is_noted else "not_noted", language, file=done.file, version=done.version))
