"""Applies an organisation's file to the installation of this machine; what the commands for it have in common."""

import os
from collections.abc import Callable

import msgspec

from cordpair.cli.config_reading import note_version
from cordpair.cli.opened import open_store, the_tenant
from cordpair.connectors.speech.espeak import Espeak
from cordpair.core.audit import operator_actor
from cordpair.engine.clock import SystemClock
from cordpair.engine.config_checked import checked
from cordpair.engine.config_files import BASED_ON, Organisation
from cordpair.engine.config_plan import Plan, named, plan_of
from cordpair.engine.privileged import apply_setup
from cordpair.errors import Rejected
from cordpair.settings import read_settings
from cordpair.store.doors import Store


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. `version` is the new one; None when nothing changed, or somebody said no (`was_refused`).

    `file` is the one that says which version it is based on, `is_noted` whether it says the new one now.
    """

    name: str
    version: int | None = None
    was_refused: bool = False
    file: str = ""
    is_noted: bool = False


async def change_of(given: Organisation, based_on: int | None = None) -> Plan:
    """What the file would change in the installation of the settings."""
    async with open_store(read_settings()) as store:
        return await _planned(store, given, based_on)


async def applied(
    given: Organisation, agrees: Callable[[Plan], bool], *, note: str = "", based_on: int | None = None
) -> Applied:
    """Apply a file if `agrees` says so of its plan, and let it say which version it is based on now.

    Raises Rejected when somebody else applied another one after the plan was made.
    """
    async with open_store(read_settings()) as store:
        made = await _planned(store, given, based_on)
        done = await _carried_out(store, made, agrees(made), note)
    if done.version is None:
        return done
    file = given.places[(BASED_ON,)].file if (BASED_ON,) in given.places else ""
    return msgspec.structs.replace(done, file=file, is_noted=_noted(given, done.version))


async def rolled_back(
    tenant: str | None, number: int, agrees: Callable[[Plan, int], bool], *, note: str = ""
) -> Applied:
    """Apply an earlier version again if `agrees` says so of the plan and of how many agents are not known any more."""
    async with open_store(read_settings()) as store:
        given, gone = await _earlier(store, tenant, number)
        made = await _planned(store, given, None)
        return await _carried_out(store, made, agrees(made, gone), note or f"= {number}")


async def _earlier(store: Store, tenant: str | None, number: int) -> tuple[Organisation, int]:
    async with store.open_tenant(await the_tenant(store, tenant)) as rows:
        version = await rows.versions.get(number)
        names = await rows.agents.names()
    if version is None:
        raise Rejected(f"version {number} is not kept: see `cordpair config history`")
    setup = named(version.setup, names)
    return checked(setup, f"version {number}"), len(version.setup.agents) - len(setup.agents)


async def _planned(store: Store, given: Organisation, based_on: int | None) -> Plan:
    return await plan_of(store, given, Espeak().languages, SystemClock().now(), based_on)


async def _carried_out(store: Store, made: Plan, is_agreed: bool, note: str) -> Applied:
    name = made.after.name
    if not made.differences or not is_agreed:
        return Applied(name=name, was_refused=bool(made.differences))
    by, now = operator_actor(os.getuid()), SystemClock().now()
    version = await apply_setup(store, made.after, by=by, now=now, note=note, instead_of=made.version)
    return Applied(name=name, version=version)


def _noted(given: Organisation, version: int) -> bool:
    try:
        return bool(note_version(given, version))
    except OSError:  # a folder that is only read: the person is told
        return False
