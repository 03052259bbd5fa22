"""Every privileged action leaves its entry in the audit trail, and an action that does nothing leaves none."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core.audit import operator_actor
from cordpair.core.effects import LogActivity
from cordpair.core.setup_secrets import without_secrets
from cordpair.core.tenant import TenantSetup
from cordpair.engine.privileged import (
    apply_setup,
    note_link_made,
    note_link_opened,
    retry_effect,
    retry_notification,
)
from cordpair.errors import CordpairError, Rejected
from cordpair.store.audit import Shown
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from tests.store.world import CANARY, NOBODY, NOON, A, configured, setup

SOMEBODY = operator_actor(1000)


async def trail(store: Store) -> list[Shown]:
    """What is written down, oldest first."""
    async with store.open_tenant(A) as rows:
        return list(reversed(await rows.audit.shown()))


async def done(store: Store) -> list[tuple[str, str]]:
    return [(it.action, it.target) for it in await trail(store)]


async def applied(store: Store, given: TenantSetup) -> None:
    await apply_setup(store, given, by=SOMEBODY, now=NOON)


async def test_setting_an_organisation_up_is_written_down_with_its_secrets_by_name(store: Store) -> None:
    await applied(store, setup(A))
    assert await done(store) == [
        ("setup.applied", A),
        ("secret.changed", "registration:reg-a"),
        ("secret.changed", "crm:imis"),
    ]
    written = await trail(store)
    assert {(it.actor, it.at) for it in written} == {(SOMEBODY, NOON)}
    assert CANARY not in repr(written)


async def test_a_change_says_which_parts_changed(store: Store) -> None:
    await applied(store, setup(A))
    await applied(store, replace(setup(A), name="Neu", queues=()))
    assert (await trail(store))[-1].detail == {"parts": "name, queues", "version": "2"}


async def test_applying_the_same_again_leaves_no_entry(store: Store) -> None:
    await applied(store, setup(A))
    await applied(store, setup(A))
    assert len(await trail(store)) == 3


async def test_a_new_secret_is_an_entry_of_its_own(store: Store) -> None:
    await applied(store, setup(A))
    registration = replace(setup(A).registration, client_secret="new")
    await applied(store, replace(setup(A), registration=registration))
    assert (await done(store))[3:] == [("setup.applied", A), ("secret.changed", "registration:reg-a")]


async def test_one_more_try_of_an_effect_is_written_down_once(store: Store) -> None:
    await applied(store, setup(A))
    async with store.open_tenant(A) as rows:
        await rows.outbox.put([LogActivity(call=NOBODY)], NOON)
    async with store.open_queue() as queue:
        (claimed,) = await queue.claim(1, NOON, timedelta(seconds=30))
    effect = claimed.id
    async with store.open_tenant(A) as rows:
        await rows.outbox.park(effect, NOON, "refused")
    assert await retry_effect(store, A, effect, by=SOMEBODY, now=NOON)
    assert not await retry_effect(store, A, effect, by=SOMEBODY, now=NOON)
    assert (await done(store))[3:] == [("parked.retried", f"effect:{effect}")]


async def test_one_more_try_of_a_notification_is_written_down_once(store: Store) -> None:
    await applied(store, setup(A))
    async with store.open_tenant(A) as rows:
        await rows.inbox.put_aside(Incoming("graph", "poison", b"{}", NOON), "KeyError")
        (item,) = await rows.inbox.parked()
    assert await retry_notification(store, A, item.id, by=SOMEBODY, now=NOON)
    assert not await retry_notification(store, A, item.id, by=SOMEBODY, now=NOON)
    assert (await done(store))[3:] == [("parked.retried", f"notification:{item.id}")]


async def test_making_and_opening_a_link_to_the_floor_is_written_down(store: Store) -> None:
    await applied(store, setup(A))
    await note_link_made(store, A, "abc", by=SOMEBODY, now=NOON, until=NOON + timedelta(hours=8))
    await note_link_opened(store, A, "abc", now=NOON)
    made, opened = (await trail(store))[3:]
    assert (made.actor, made.action, made.target) == (SOMEBODY, "floor_link.made", "link:abc")
    assert made.detail == {"until": "2026-11-24T20:00:00+00:00"}
    assert (opened.actor, opened.action, opened.target) == ("link:abc", "floor_link.opened", "link:abc")


async def test_an_action_that_cannot_be_written_down_is_not_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await applied(store, setup(A))
    broken = "cordpair.store.signing.Signing.sign"

    def refuse(*_: object) -> bytes:
        raise CordpairError("no key")

    monkeypatch.setattr(broken, refuse)
    with pytest.raises(CordpairError):
        await applied(store, replace(setup(A), name="Neu"))
    async with store.open_tenant(A) as rows:
        found = await rows.setups.get()
    assert found == setup(A)


async def version_of(store: Store, setup: TenantSetup, **how: Any) -> int | None:
    return await apply_setup(store, setup, by=SOMEBODY, now=NOON, **how)


async def test_each_change_is_a_version_and_the_same_again_is_none(store: Store) -> None:
    changed = replace(setup(A), name="Neu")
    assert [await version_of(store, one) for one in (setup(A), changed, changed)] == [1, 2, None]
    async with store.open_tenant(A) as rows:
        newest, first = await rows.versions.newest(10)
    assert (newest.setup.name, first.setup.name) == ("Neu", "Verband")


async def test_who_was_slower_is_refused_and_changes_nothing(store: Store) -> None:
    await applied(store, setup(A))
    await applied(store, replace(setup(A), name="faster"))
    with pytest.raises(Rejected, match="version 2 runs by now, not 1") as refused:
        await version_of(store, replace(setup(A), name="slower"), instead_of=1)
    assert refused.value.status == 409
    assert await version_of(store, replace(setup(A), name="slower"), instead_of=2) == 3


async def test_of_two_who_apply_at_once_only_one_does(store: Store) -> None:
    await applied(store, setup(A))
    names = ("one", "other")
    tries = (version_of(store, replace(setup(A), name=name), instead_of=1) for name in names)
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Rejected", "int"]


async def test_of_two_who_set_an_organisation_up_at_once_one_is_told_so(store: Store) -> None:
    tries = (version_of(store, replace(setup(A), name=name)) for name in ("one", "other"))
    done = await asyncio.gather(*tries, return_exceptions=True)
    async with store.open_tenant(A) as rows:
        versions = await rows.versions.newest(10)
    made = [one for one in done if isinstance(one, int)]
    assert sorted(made) == sorted(one.number for one in versions)
    assert all(isinstance(one, int | Rejected) for one in done)


async def test_what_was_set_up_before_versions_were_kept_becomes_one(store: Store) -> None:
    await configured(store, A)
    assert await version_of(store, replace(setup(A), name="Neu")) == 2
    async with store.open_tenant(A) as rows:
        newest, before = await rows.versions.newest(10)
    assert (before.number, before.setup.name, before.actor, newest.actor) == (1, "Verband", "unknown", SOMEBODY)


async def test_a_secret_that_is_said_to_be_stored_stays(store: Store) -> None:
    await applied(store, setup(A))
    await applied(store, replace(without_secrets(setup(A)), name="Neu"))
    async with store.open_tenant(A) as rows:
        found = await rows.setups.get()
    assert found == replace(setup(A), name="Neu")
    assert (await done(store))[3:] == [("setup.applied", A)]
