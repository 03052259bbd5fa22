"""Who writes for an organisation, and what happens when the database, the lease or a part of the product fails."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.connectors.imis.crm import ImisCrm
from cordpair.core.call import CallState, Outcome
from cordpair.core.ids import RegistrationId, TenantId
from cordpair.engine import node
from tests.product.house import House, Organisation, until

UNKNOWN = "+493023125999"
THIRD = TenantId("33333333-3333-4333-8333-333333333333")


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are looked after more often than in production."""
    monkeypatch.setattr(node, "RENEW_S", 0.2)


async def answered(us: Organisation) -> None:
    """The organisation is served: a caller is answered and waits."""
    call = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.QUEUED)
    us.caller_leaves(call)
    found = await us.until_call(call, CallState.CLOSED)
    assert found.outcome is Outcome.ABANDONED


async def third(here: House, **changes: Any) -> None:
    """One more organisation is set up while the product runs."""
    setup = here.harbours.setup
    registration = replace(setup.registration, id=RegistrationId("reg-third"), tenant=THIRD)
    async with here.store.open_tenant(THIRD) as rows:
        await rows.setups.configure(
            replace(setup, **{"id": THIRD, "registration": registration, "agents": (), "crm": None, **changes})
        )


async def is_served(here: House, tenant: TenantId) -> bool:
    return tenant in here.product.node.tenants


async def test_an_organisation_that_is_set_up_while_we_run_is_served(here: House) -> None:
    await third(here)
    await until(lambda: is_served(here, THIRD))


async def test_after_the_database_was_away_leases_are_kept_and_callers_answered_as_before(here: House) -> None:
    await here.line.cut()
    try:
        await here.http.get(f"{here.url}/health/ready")
    finally:
        await here.line.mend()
    await answered(here.lanterns)
    await third(here)
    await until(lambda: is_served(here, THIRD))


async def test_a_call_whose_fold_the_database_lost_is_folded_once_when_it_is_back(here: House) -> None:
    us = here.lanterns
    person = us.agents[0]
    await person.come_in()
    call = us.call_in(UNKNOWN)
    await person.until_it_rings()
    await here.line.cut()
    try:
        await person.answer()
    finally:
        await here.line.mend()
    await us.until_call(call, CallState.CONNECTED, CallState.WRAP_UP)
    async with here.store.open_tenant(us.id) as rows:
        history = await rows.calls.history_of(call)
        offers = await rows.calls.offers_of(call)
    told = [entry.what for entry in history]
    assert (told.count("Arrived"), told.count("Offered"), len(offers)) == (1, 1, 1)


async def test_a_node_whose_lease_another_holds_writes_nothing_and_serves_again_when_it_is_free(here: House) -> None:
    us, wall = here.lanterns, here.product.wall
    async with here.store.open_queue() as queue:
        await queue.release(here.product.node.name)
        taken = await queue.lease([us.id], "another", wall.now(), timedelta(seconds=60))
    assert us.id in taken
    other = here.store.beacon("another")  # it lives: nobody may bury it
    await other.burn()
    try:

        async def left() -> bool:
            return us.id not in here.product.node.tenants

        await until(left)
        call = us.call_in(UNKNOWN)
        await until(us.unfolded)
        assert await us.call(call) is None
        assert us.asked_graph("/answer") == []
    finally:
        await other.put_out()
    await us.until_call(call, CallState.QUEUED, CallState.CLOSED)


async def test_a_setup_that_cannot_work_takes_nobody_else_with_it(here: House) -> None:
    await third(here, time_zone="Mars/Phobos")
    here.product.floor.touch(THIRD)
    await answered(here.lanterns)
    await third(here, crm=replace(here.harbours.setup.crm, connector="sap") if here.harbours.setup.crm else None)

    async def is_given_up() -> bool:
        return not await is_served(here, THIRD)

    await until(is_given_up)
    here.product.floor.touch(THIRD)
    await answered(here.lanterns)
    page = await until(lambda: floor_page(here, here.lanterns))
    assert here.lanterns.setup.name in page


async def floor_page(here: House, us: Organisation) -> str:
    answer = await here.http.get(here.floor_page(us), follow_redirects=True)
    return answer.text if answer.status_code == 200 else ""


async def test_a_mistake_in_a_connector_keeps_no_caller_waiting(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    served, asked = here.product.node._services._all[here.lanterns.id].task, []

    def broken(self: ImisCrm, bookmark: str | None) -> Any:
        asked.append(self._settings.base_url.rpartition("/")[2])
        raise KeyError("a mistake")

    monkeypatch.setattr(ImisCrm, "changed_parties", broken)

    async def has_gone_wrong() -> bool:
        await here.pass_time(3700)  # the next sync is due
        return here.lanterns.tenant.imis in asked

    await until(has_gone_wrong)
    await answered(here.lanterns)
    assert here.product.node._services._all[here.lanterns.id].task is served
    assert not served.done()
