"""Privileged actions: each is carried out and written to the audit trail in one transaction.

Whatever needs a right beyond taking calls goes through here, from the command line, a page or a card. What is done
twice changes nothing the second time and is not written down again.
"""

from datetime import datetime

from cordpair.core.audit import UNKNOWN_ACTOR, Action, Actor, Deed, link_actor
from cordpair.core.events import AnyEvent, CallFact
from cordpair.core.ids import TenantId
from cordpair.core.setup_diff import same_setup
from cordpair.core.setup_secrets import keeping_secrets
from cordpair.core.tenant import TenantSetup
from cordpair.errors import Rejected
from cordpair.store.doors import Store, TenantRows
from cordpair.store.setup_versions import SetupVersion


async def apply_setup(
    store: Store, setup: TenantSetup, *, by: Actor, now: datetime, note: str = "", instead_of: int | None = None
) -> int | None:
    """Set an organisation up, or change it to `setup`; returns the version that this is, None when nothing changed.

    Where `setup` says `STORED` the secret of now is kept. That a secret is new is written down, never what it is.
    Raises Rejected when the name of its registration is another organisation's: notifications could not be told apart;
    and (409) when the version of now is not `instead_of`, where that is given: somebody was faster.
    """
    async with store.open_queue() as queue:
        others = [one for one in await queue.holders(setup.registration.id) if one != setup.id]
    if others:
        raise Rejected(f"registration.id: {setup.registration.id} is the registration of another organisation already")
    async with store.open_tenant(setup.id) as rows:
        newest, before = await rows.setups.revision(), await rows.setups.get()
        if instead_of is not None and newest != instead_of:
            raise Rejected(f"version {newest} runs by now, not {instead_of}", status=409)
        setup = keeping_secrets(setup, before)
        if same_setup(before, setup):
            return None
        if before is not None and await rows.versions.get(newest) is None:  # it was set up before versions were kept
            was = SetupVersion(number=newest, at=now, actor=UNKNOWN_ACTOR, note="", setup=before)
            await rows.versions.put(was)
        await rows.setups.configure(setup)
        # Whoever changed it since we looked has committed by now: the row of the tenant is written by one at a time.
        if await rows.setups.revision() != newest + 1:
            raise Rejected("somebody else has changed this organisation meanwhile", status=409)
        await rows.versions.put(SetupVersion(number=newest + 1, at=now, actor=by, note=note, setup=setup))
        changed = ", ".join(_changed(before, setup))
        await _note(rows, now, by, Action.SETUP_APPLIED, setup.id, parts=changed, version=str(newest + 1))
        for target in _new_secrets(before, setup):
            await _note(rows, now, by, Action.SECRET_CHANGED, target)
        return newest + 1


async def retry_effect(store: Store, tenant: TenantId, effect: int, *, by: Actor, now: datetime) -> bool:
    """Order one more try of a parked effect. False when it is not parked (any more)."""
    async with store.open_tenant(tenant) as rows:
        done = await rows.outbox.retry_parked(effect, now)
        if done:
            await _note(rows, now, by, Action.PARKED_RETRIED, f"effect:{effect}")
        return done


async def retry_notification(store: Store, tenant: TenantId, item: int, *, by: Actor, now: datetime) -> bool:
    """Let a parked notification be folded again. False when it is not parked (any more)."""
    async with store.open_tenant(tenant) as rows:
        done = await rows.inbox.retry(item)
        if done:
            await _note(rows, now, by, Action.PARKED_RETRIED, f"notification:{item}")
        return done


async def retry_flow(store: Store, tenant: TenantId, flow: int, *, by: Actor, now: datetime) -> bool:
    """Let a parked flow go on from the step that failed. False when it is not parked (any more)."""
    async with store.open_tenant(tenant) as rows:
        done = await rows.flows.retry_parked(flow, now)
        if done:
            await _note(rows, now, by, Action.PARKED_RETRIED, f"flow:{flow}")
        return done


async def note_order(store: Store, tenant: TenantId, order: str, event: AnyEvent, *, by: Actor, now: datetime) -> None:
    """Somebody orders something about another one's call or about another agent. Write it down before it is done."""
    target = f"call:{event.call}" if isinstance(event, CallFact) else f"agent:{event.agent}"
    async with store.open_tenant(tenant) as rows:
        await _note(rows, now, by, Action.FLOOR_ORDERED, target, order=order)


async def note_link_made(
    store: Store, tenant: TenantId, link: str, *, by: Actor, now: datetime, until: datetime
) -> None:
    """A link to the floor page was made; `link` is its id. Write it down before the link is given away."""
    async with store.open_tenant(tenant) as rows:
        await _note(rows, now, by, Action.LINK_MADE, f"link:{link}", until=until.isoformat(timespec="seconds"))


async def note_link_opened(store: Store, tenant: TenantId, link: str, *, now: datetime) -> None:
    """Somebody opened the floor page by a link. Raises Rejected (404) for a tenant that is not set up."""
    async with store.open_tenant(tenant) as rows:
        await _note(rows, now, link_actor(link), Action.LINK_OPENED, f"link:{link}")


async def note_hook(rows: TenantRows, hook: str, what: str, *, by: Actor, now: datetime) -> None:
    """Somebody adds, changes, rotates, removes or replays a webhook, in this transaction."""
    await _note(rows, now, by, Action.HOOK_CHANGED, f"hook:{hook}", what=what)


async def _note(rows: TenantRows, now: datetime, by: Actor, action: Action, target: str, **detail: str) -> None:
    await rows.audit.append(Deed(at=now, actor=by, action=action, target=target, detail=detail))


def _changed(before: TenantSetup | None, after: TenantSetup) -> list[str]:
    """The names of the parts that differ."""
    names = TenantSetup.__struct_fields__
    return [name for name in names if before is None or getattr(before, name) != getattr(after, name)]


def _new_secrets(before: TenantSetup | None, after: TenantSetup) -> list[str]:
    old, new = _secrets(before), _secrets(after)
    return [target for target, secret in new.items() if old.get(target) != secret]


def _secrets(setup: TenantSetup | None) -> dict[str, object]:
    if setup is None:
        return {}
    registration = {f"registration:{setup.registration.id}": setup.registration.client_secret}
    crm = {} if setup.crm is None else {f"crm:{setup.crm.connector}": setup.crm.secrets}
    return {**registration, **crm}
