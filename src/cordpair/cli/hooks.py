"""`cordpair hooks`: which systems are told of calls, with which secrets, and what could not be delivered."""

import asyncio
import os
import re
import secrets
from typing import Annotated

import msgspec
import typer

from cordpair.cli.opened import open_store, the_tenant
from cordpair.connectors.cloudtoolz import PROFILES, new_secret
from cordpair.connectors.cloudtoolz.messages import DEFAULT_FIELDS, FIELDS, PERSONAL_FIELDS
from cordpair.core.audit import operator_actor
from cordpair.engine.clock import SystemClock
from cordpair.engine.hook_addresses import checked_address
from cordpair.engine.hooks import DEFAULT_EVENTS, EVENTS
from cordpair.engine.privileged import note_hook
from cordpair.errors import Rejected
from cordpair.settings import read_settings
from cordpair.store.doors import TenantRows
from cordpair.store.hooks import Hook

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]
Name = Annotated[str, typer.Argument(help="Short name of the endpoint, in small letters.")]
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Webhooks: other systems are told what happens to calls.", no_args_is_help=True)
    app.add_typer(group, name="hooks")

    @group.command("list")
    def list_command(tenant: Tenant = None) -> None:
        """List endpoints and what was given up. Secrets are never shown again."""
        asyncio.run(_list(tenant))

    @group.command("add")
    def add(
        name: Name,
        url: Annotated[str, typer.Argument(help="Where messages are sent: https://...")],
        profile: Annotated[str, typer.Option("--profile", help=", ".join(PROFILES))] = "cloudevents",
        events: Annotated[str, typer.Option("--events", help="Names, with spaces between.")] = " ".join(
            sorted(DEFAULT_EVENTS)
        ),
        fields: Annotated[str, typer.Option("--fields", help="Names; those that say who somebody is only by name.")] = (
            " ".join(sorted(DEFAULT_FIELDS))
        ),
        tenant: Tenant = None,
    ) -> None:
        """Add an endpoint, or change it; prints the secret of a new one, once."""
        asyncio.run(_add(name, url, profile, set(events.split()), set(fields.split()), tenant))

    @group.command("rotate")
    def rotate(name: Name, tenant: Tenant = None) -> None:
        """Give an endpoint a new secret; the former one signs as well, until it is rotated again."""
        asyncio.run(_rotate(name, tenant))

    @group.command("remove")
    def remove(name: Name, tenant: Tenant = None) -> None:
        """Take an endpoint away, with all that waits for it."""
        asyncio.run(_remove(name, tenant))

    @group.command("replay")
    def replay(
        numbers: Annotated[list[int] | None, typer.Argument(help="Numbers that `hooks list` shows; none: all.")] = None,
        hook: Annotated[str | None, typer.Option("--hook", help="Only of this endpoint.")] = None,
        tenant: Tenant = None,
    ) -> None:
        """Send what was given up once more, and enable its endpoint."""
        asyncio.run(_replay(set(numbers or ()), hook, tenant))


async def _list(named: str | None) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            hooks, waiting, dead = await rows.hooks.all(), await rows.hooks.waiting(), await rows.hooks.dead()
    for hook in hooks:
        failing = f"  nothing arrives since {hook.failing_since:%Y-%m-%d %H:%M}" if hook.failing_since else ""
        print(f"{hook.id}  {hook.url}  {hook.profile}  {hook.state}  waiting {waiting.get(hook.id, 0)}{failing}")
        print(f"    events: {' '.join(sorted(hook.events))}")
        print(f"    fields: {' '.join(sorted(hook.fields))}")
    for one in dead:
        print(f"given up {one.id}  {one.hook}  {one.event}  call {one.call}  tries {one.attempts}: {one.reason}")
    if not hooks:
        print("no endpoint is set up: cordpair hooks add NAME URL")


async def _add(name: str, url: str, profile: str, events: set[str], fields: set[str], named: str | None) -> None:
    _must(bool(_NAME.fullmatch(name)), "a name has small letters, digits and hyphens")
    _must(profile in PROFILES, f"there is no profile {profile}; there are: {', '.join(PROFILES)}")
    _must(bool(events) and events <= set(EVENTS.values()), f"events are: {', '.join(sorted(set(EVENTS.values())))}")
    _must(fields <= FIELDS, f"fields are: {', '.join(sorted(FIELDS))}")
    settings = read_settings()
    checked_address(url, settings.private_networks)
    async with open_store(settings) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            known = next((one for one in await rows.hooks.all() if one.id == name), None)
            shown = () if known else (new_secret(secrets.token_bytes(32)),)
            hook = Hook(
                id=name,
                url=url,
                profile=profile,
                events=frozenset(events),
                fields=frozenset(fields),
                secrets=known.secrets if known else shown,
            )
            await rows.hooks.put(hook)
            await _note(rows, name, "changed" if known else "added")
    print(f"{name} is told of: {' '.join(sorted(events))}")
    if personal := sorted(fields & PERSONAL_FIELDS):
        print(f"it gets personal data: {' '.join(personal)}. Enter the receiver in your record of processing.")
    for secret in shown:
        print(f"secret (shown once): {secret}")


async def _rotate(name: str, named: str | None) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            hook = next((one for one in await rows.hooks.all() if one.id == name), None)
            if hook is None:
                raise Rejected(f"there is no endpoint {name}")
            secret = new_secret(secrets.token_bytes(32))
            await rows.hooks.put(msgspec.structs.replace(hook, secrets=(secret, *hook.secrets[:1])))
            await _note(rows, name, "rotated")
    print(f"secret (shown once): {secret}")
    print("messages are signed with the former one as well; rotate again to end it")


async def _remove(name: str, named: str | None) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            if not await rows.hooks.remove(name):
                raise Rejected(f"there is no endpoint {name}")
            await _note(rows, name, "removed")
    print(f"{name} is told nothing any more")


async def _replay(numbers: set[int], name: str | None, named: str | None) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            dead = [one for one in await rows.hooks.dead(name) if not numbers or one.id in numbers]
            if missing := numbers - {one.id for one in dead}:
                raise Rejected(f"{', '.join(map(str, sorted(missing)))} was not given up")
            for hook in await rows.hooks.all():
                if hook.state == "disabled" and (hook.id == name or any(one.hook == hook.id for one in dead)):
                    await rows.hooks.put(msgspec.structs.replace(hook, state="active"))
            for hook_name in sorted({one.hook for one in dead}):
                await _note(rows, hook_name, "replayed")
            count = await rows.hooks.replay([one.id for one in dead], SystemClock().now())
    print(f"sent again: {count}")


async def _note(rows: TenantRows, hook: str, what: str) -> None:
    await note_hook(rows, hook, what, by=operator_actor(os.getuid()), now=SystemClock().now())


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Rejected(what)
