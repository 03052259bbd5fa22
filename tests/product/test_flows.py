"""A flow that does not get on is shown on the floor page, and goes on when a person says so there or at the console."""

from typing import Any

import httpx

from tests.product.house import House, Organisation, until

PURGE = "Delete what has had its time"


async def parked_purge(us: Organisation) -> int:
    """The hourly purge does not get on."""
    await until(lambda: _has_run(us))
    async with us.house.store.open_tenant(us.id) as rows:
        number = await rows.flows._scope.connection.fetchval(
            "update flows set state = 'parked', wake_at = null, reason = 'payloads: PermanentFailure 403' "
            "where kind = 'purge' returning id"
        )
    assert isinstance(number, int)
    return number


async def _has_run(us: Organisation) -> bool:
    return await rounds(us) == [("waiting", 1)]


async def rounds(us: Organisation) -> list[Any]:
    async with us.house.store.open_tenant(us.id) as rows:
        return [
            tuple(row)
            for row in await rows.flows._scope.connection.fetch("select state, round from flows where kind = 'purge'")
        ]


async def page(here: House, http: httpx.AsyncClient) -> str:
    async def look() -> str:
        answer = await http.get(f"{here.url}/floor?lang=en")
        return answer.text if answer.status_code == 200 and PURGE in answer.text else ""

    return await until(look)


async def test_a_parked_flow_is_shown_with_its_reason_and_goes_on_by_a_press(here: House) -> None:
    us = here.lanterns
    number = await parked_purge(us)
    before = await rounds(us)
    async with httpx.AsyncClient(follow_redirects=True) as http:
        await http.get(here.floor_page(us))
        assert "payloads: PermanentFailure 403" in await page(here, http)
        retry = f"{here.url}/floor/parked/f{number}/retry"
        as_json = {"Origin": here.url, "Accept": "application/json"}
        ordered = await http.post(retry, headers=as_json)
        assert (ordered.status_code, ordered.json()) == (200, {"ordered": True})
        again = await http.post(retry, headers=as_json)
        assert (again.status_code, again.json()) == (404, {"ordered": False})

    async def went_on() -> bool:
        return await rounds(us) == [("waiting", before[0][1] + 1)]

    await until(went_on)
