"""The doctor on an installation that is well, and on one that lacks one thing after the other."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordpair.cli.doctor import examine
from cordpair.cli.language import chosen_language
from cordpair.core.call import CallState
from cordpair.core.effects import HangUp
from cordpair.core.ids import CallId, GraphCallId
from cordpair.core.quota import QuotaPolicy
from cordpair.core.tenant import TenantSetup
from cordpair.emulator.failing import Failing
from cordpair.emulator.imis import Fault
from cordpair.engine.clock import SystemClock
from cordpair.engine.doctor import examine_outside, examine_tenants
from cordpair.engine.doctor_database import examine_databases
from cordpair.engine.findings import Finding, Level
from cordpair.errors import Rejected
from cordpair.store.inbox import Incoming
from cordpair.store.marks import Subscription
from tests.databases import OPERATOR_KEY, Server
from tests.product.house import House, Organisation, house, until
from tests.product.proxy import proxy, self_signed, trusting
from tests.product.test_around import cordpair

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = "http://127.0.0.1:9"  # the port of discard: nobody listens there


class Off:
    """A wall clock that goes wrong by some seconds."""

    rate = 1.0

    def __init__(self, seconds: float) -> None:
        self._off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return SystemClock().now() + self._off

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def outside(
    one: House, *, off_s: float = 0.0, tls: ssl.SSLContext | None = None, **settings: Any
) -> dict[str, Level]:
    tls = tls or ssl.create_default_context()
    async with httpx.AsyncClient(timeout=10, trust_env=False, verify=tls) as http:
        known = one.product.settings.model_copy(update=settings)
        found = await examine_outside(known, http, tls, Off(off_s), {})
    return {finding.key: finding.level for finding in found}


async def inside(org: Organisation, **settings: str) -> list[Finding]:
    """What is found about one organisation."""
    one = org.house
    known = one.product.settings.model_copy(update=settings)
    found = await examine_tenants(one.store, known, one.http, one.product.clock, SystemClock())
    return [finding for finding in found if finding.organisation == org.id]


def wrong(found: list[Finding]) -> dict[str, Level]:
    return {finding.key: finding.level for finding in found if finding.level is not Level.OK}


#: What an installation lacks that nobody works for: it is told beside what a test is about.
ASLEEP = {"owner.none": Level.PROBLEM, "presence.none": Level.PROBLEM, "fallback.none": Level.WARNING}


async def wrong_beside_sleep(org: Organisation, **settings: str) -> dict[str, Level]:
    found = wrong(await inside(org, **settings))
    assert {key: found.pop(key, None) for key in ASLEEP} == ASLEEP
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(postgresql: Server) -> AsyncIterator[tuple[House, dict[str, str]]]:
    """A running product, and the environment in which its operator asks the doctor."""
    async with postgresql.fresh() as pair, house(pair) as one:
        settings = one.product.settings
        yield (
            one,
            {
                "CORDPAIR_DATABASE_URL": pair.main_url,
                "CORDPAIR_KEYS_DATABASE_URL": pair.keys_url,
                "CORDPAIR_OPERATOR_KEY": base64.b64encode(OPERATOR_KEY).decode(),
                "CORDPAIR_PUBLIC_URL": one.url,
                "CORDPAIR_GRAPH_URL": settings.graph_url,
                "CORDPAIR_LOGIN_URL": settings.login_url,
                "LANG": "de_DE.UTF-8",
                "LC_ALL": "",
            },
        )


@pytest_asyncio.fixture(loop_scope="module")
async def us(asleep: House) -> AsyncIterator[Organisation]:
    """An organisation of a product that answers HTTP and does nothing else; afterwards it is as it was set up."""
    yield asleep.lanterns
    asleep.parts.graph.failing = Failing()
    asleep.lanterns.imis().faults.clear()
    await asleep.lanterns.configure()


async def changed(org: Organisation, setup: TenantSetup) -> None:
    async with org.house.store.open_tenant(org.id) as rows:
        await rows.setups.configure(setup)


# ---- well


async def test_a_running_product_is_well(installed: tuple[House, dict[str, str]]) -> None:
    one, _ = installed

    async def subscribed() -> bool:
        return "presence.none" not in wrong(await inside(one.lanterns))

    await until(subscribed)
    found = await inside(one.lanterns)
    assert wrong(found) == {"fallback.none": Level.WARNING}
    assert {finding.check for finding in found} == {
        "owner", "webhook", "registration", "graph", "secret", "presence", "limits", "fallback", "crm", "lag", "parked",
    }  # fmt: skip
    assert await outside(one) == {
        "clock.ok": Level.OK,
        "public_url.loopback": Level.WARNING,
        "public_url.ok": Level.OK,
        "proxy.ok": Level.OK,
    }


async def test_the_command_speaks_german_and_is_content_with_warnings(installed: tuple[House, dict[str, str]]) -> None:
    one, environment = installed
    code, out, err = await cordpair("doctor", **environment)
    assert (code, err) == (0, ""), out
    assert "ok       Datenbank main: PostgreSQL" in out
    assert f"\n{one.lanterns.id}\n" in out
    assert "-> für einen echten Mandanten CORDPAIR_PUBLIC_URL" in out
    assert one.lanterns.setup.registration.client_secret not in out


async def test_programs_read_json_and_the_exit_code(installed: tuple[House, dict[str, str]]) -> None:
    _, environment = installed
    code, out, _ = await cordpair("doctor", "--json", "--lang", "en", **{**environment, "CORDPAIR_LOGIN_URL": NOWHERE})
    report = json.loads(out)
    assert (code, report["level"]) == (1, "problem")
    away = [it for it in report["findings"] if it["key"] == "registration.away"]
    assert len(away) == 4
    assert away[0]["text"] == "no token for Microsoft Graph: Entra does not answer"
    assert NOWHERE in away[0]["cure"]


async def test_an_operator_key_that_does_not_open_the_setup_is_named(installed: tuple[House, dict[str, str]]) -> None:
    _, environment = installed
    other = base64.b64encode(bytes(32)).decode()
    code, out, err = await cordpair("doctor", "--lang", "en", **{**environment, "CORDPAIR_OPERATOR_KEY": other})
    assert (code, err) == (1, "")
    assert "PROBLEM  the setup cannot be used" in out
    assert "check CORDPAIR_OPERATOR_KEY" in out


async def test_a_database_that_is_away_does_not_keep_the_rest_from_being_examined(us: Organisation) -> None:
    away = {"database_url": "postgresql://cordpair@127.0.0.1:9/cordpair"}
    found = await examine(us.house.product.settings.model_copy(update=away), {})
    assert {finding.key: finding.level for finding in found if finding.check in ("start", "database", "clock")} == {
        "database.away": Level.PROBLEM,
        "clock.ok": Level.OK,
    }


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        ("de", {"LANG": "en_GB.UTF-8"}, "de"),
        ("", {"LANG": "de_AT.UTF-8"}, "de"),
        ("", {"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "en"),
        ("", {}, "en"),
    ],
)
def test_the_language_asked_for_goes_before_that_of_the_environment(
    asked: str, environment: dict[str, str], language: str
) -> None:
    assert chosen_language(asked, environment) == language


def test_a_language_that_we_do_not_speak_is_refused() -> None:
    with pytest.raises(Rejected, match="--lang: en or de"):
        chosen_language("fr", {})


async def test_a_limit_that_is_used_up_is_a_problem(installed: tuple[House, dict[str, str]]) -> None:
    org = installed[0].harbours
    registration = replace(org.setup.registration, quota=QuotaPolicy(calls_per_month=1))
    await org.until_call(org.call_in(None), CallState.RINGING, CallState.QUEUED, CallState.CLOSED)
    await changed(org, replace(org.setup, registration=registration, fallback_user=org.agents[0].id))
    assert wrong(await inside(org)) == {"limits.redirecting": Level.PROBLEM}


# ---- databases


@pytest.mark.parametrize(("revision", "key"), [("0000", "database.behind"), ("9999", "database.ahead")])
async def test_a_schema_of_another_version_is_a_problem(postgresql: Server, revision: str, key: str) -> None:
    async with postgresql.fresh() as pair:
        connection = await asyncpg.connect(pair.main_url)
        version = (await connection.fetchval("show server_version")).split()[0]
        assert [(it.level, it.fields["version"]) for it in await examine_databases(pair)] == [(Level.OK, version)] * 2
        before = await connection.fetchval("select version_num from alembic_version")
        try:
            await connection.execute("update alembic_version set version_num = $1", revision)
            main, keys = await examine_databases(pair)
        finally:
            await connection.execute("update alembic_version set version_num = $1", before)
            await connection.close()
    assert (main.key, main.level, keys.level) == (key, Level.PROBLEM, Level.OK)


# ---- outside


@pytest.mark.parametrize(
    ("off_s", "found"),
    [
        (-20, {"clock.off": Level.WARNING}),
        (20, {"clock.off": Level.WARNING}),
        (-90, {"clock.off": Level.PROBLEM}),
        (90, {"clock.off": Level.PROBLEM}),
    ],
)
async def test_a_clock_that_goes_wrong_is_found(us: Organisation, off_s: float, found: dict[str, Level]) -> None:
    assert found.items() <= (await outside(us.house, off_s=off_s)).items()


async def test_a_graph_that_does_not_answer_cannot_set_the_clock_right(us: Organisation) -> None:
    assert (await outside(us.house, graph_url=NOWHERE))["clock.unknown"] is Level.WARNING


async def test_an_address_that_leads_nowhere_is_a_problem(us: Organisation) -> None:
    assert (await outside(us.house, public_url=NOWHERE))["public_url.away"] is Level.PROBLEM
    assert await wrong_beside_sleep(us, public_url=NOWHERE) == {"webhook.away": Level.PROBLEM}


@pytest.mark.parametrize("url", ["http://", "https://", "http://127.0.0.1:port"])
async def test_an_address_that_is_none_is_a_problem(us: Organisation, url: str) -> None:
    assert (await outside(us.house, public_url=url))["public_url.away"] is Level.PROBLEM
    assert (await wrong_beside_sleep(us, public_url=url)) == {"webhook.away": Level.PROBLEM}


async def test_an_address_that_leads_to_somebody_else_is_a_problem(us: Organisation) -> None:
    assert (await outside(us.house, public_url=us.house.parts.cloud.url))["public_url.stranger"] is Level.PROBLEM


async def test_a_product_without_its_database_is_not_ready(us: Organisation) -> None:
    await us.house.line.cut()
    try:
        assert (await outside(us.house))["public_url.not_ready"] is Level.PROBLEM
    finally:
        await us.house.line.mend()


@pytest.mark.parametrize(
    ("habits", "found"),
    [
        pytest.param({}, {}, id="a good proxy"),
        pytest.param({"takes": {"authorization"}}, {"webhook.no_authorization": Level.PROBLEM}, id="takes tokens"),
        pytest.param({"refuses": {"POST"}}, {"webhook.blocked": Level.PROBLEM}, id="lets nobody post"),
    ],
)
async def test_what_a_proxy_does_to_webhooks_is_found(
    us: Organisation, habits: dict[str, Any], found: dict[str, Level]
) -> None:
    async with proxy(us.house.url, **habits) as url:
        assert await wrong_beside_sleep(us, public_url=url) == found


async def test_a_proxy_that_forbids_frames_is_found(us: Organisation) -> None:
    async with proxy(us.house.url, adds={"X-Frame-Options": "DENY"}) as url:
        assert (await outside(us.house, public_url=url))["proxy.changed"] is Level.WARNING


@pytest.mark.parametrize(
    ("days", "key", "level"), [(90, "certificate.ok", Level.OK), (5, "certificate.ends", Level.WARNING)]
)
async def test_how_long_a_certificate_is_good_is_told(
    us: Organisation, tmp_path: Path, days: int, key: str, level: Level
) -> None:
    certificate = self_signed(tmp_path, days=days)
    async with proxy(us.house.url, certificate=certificate) as url:
        found = await outside(us.house, public_url=url, tls=trusting(certificate))
    assert found[key] is level
    assert found["public_url.ok"] is Level.OK


async def test_a_certificate_that_nobody_vouches_for_is_a_problem(us: Organisation, tmp_path: Path) -> None:
    async with proxy(us.house.url, certificate=self_signed(tmp_path, days=90)) as url:
        found = await outside(us.house, public_url=url)
    assert found["certificate.private"] is Level.PROBLEM
    assert "public_url.away" not in found  # it is there, and its certificate keeps everybody off


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"host": "0.0.0.0"}, Level.WARNING),
        ({"host": "127.0.0.1"}, None),
        ({"host": "0.0.0.0", "trusted_proxies": ("10.0.0.7",)}, None),
    ],
)
async def test_listening_to_everybody_in_clear_without_a_known_proxy_is_warned_of(
    us: Organisation, settings: dict[str, Any], found: Level | None
) -> None:
    assert (await outside(us.house, **settings)).get("listening.clear") is found


# ---- one organisation


async def test_one_organisation_that_cannot_be_examined_leaves_the_others(
    us: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cordpair.connectors.imis.shapes.items", fails)
    monkeypatch.setattr("cordpair.connectors.imis.contacts.items", fails)
    await changed(us.house.harbours, replace(us.house.harbours.setup, crm=None))
    try:
        assert wrong(await inside(us)) == {"examination.failed": Level.PROBLEM}
        assert "examination.failed" not in wrong(await inside(us.house.harbours))
    finally:
        await us.house.harbours.configure()


async def test_a_wrong_secret_is_a_problem_for_both_services(us: Organisation) -> None:
    await changed(us, replace(us.setup, registration=replace(us.setup.registration, client_secret="wrong")))
    found = [finding for finding in await inside(us) if finding.check == "registration"]
    assert [(it.key, it.fields["what"]) for it in found] == [
        ("registration.refused", "Microsoft Graph"),
        ("registration.refused", "Bot Framework"),
    ]
    assert "invalid_client" in found[0].text("en")


@pytest.mark.parametrize(
    ("left", "key", "level"),
    [
        (timedelta(days=31), "secret.ok", Level.OK),
        (timedelta(days=29), "secret.ends", Level.WARNING),
        (timedelta(days=-1), "secret.ended", Level.PROBLEM),
    ],
)
async def test_the_end_of_a_secret_is_told_in_time(us: Organisation, left: timedelta, key: str, level: Level) -> None:
    ends_at = us.house.product.clock.now() + left
    await changed(us, replace(us.setup, registration=replace(us.setup.registration, secret_expires_at=ends_at)))
    assert (key, level) in [(finding.key, finding.level) for finding in await inside(us)]


@pytest.mark.parametrize(
    ("path", "permission"),
    [("/getPresencesByUserId", "Presence.Read.All"), ("/communications/calls/", "Calls.JoinGroupCall.All")],
)
async def test_a_missing_permission_is_named(us: Organisation, path: str, permission: str) -> None:
    us.house.parts.graph.failing = Failing(path=path, status=403, times=20)
    found = [finding for finding in await inside(us) if finding.key == "graph.forbidden"]
    assert [finding.fields["permission"] for finding in found] == [permission]


async def test_a_graph_in_trouble_is_told(us: Organisation) -> None:
    us.house.parts.graph.failing = Failing(path="/communications", status=503, times=20)
    assert await wrong_beside_sleep(us) == {"graph.away": Level.PROBLEM}


async def test_an_imis_that_is_down_is_told(us: Organisation) -> None:
    us.imis().faults.append(Fault("html", times=20))
    assert await wrong_beside_sleep(us) == {"crm.away": Level.PROBLEM}


async def test_an_imis_whose_certificate_does_not_hold_is_told_with_the_reason(
    us: Organisation, tmp_path: Path
) -> None:
    assert us.setup.crm is not None
    async with proxy(us.house.url, certificate=self_signed(tmp_path, days=90)) as url:
        settings = {**us.setup.crm.settings, "base_url": url}
        await changed(us, replace(us.setup, crm=replace(us.setup.crm, settings=settings)))
        found = [finding for finding in await inside(us) if finding.check == "crm"]
    assert [finding.text("en") for finding in found] == ["iMIS cannot be reached: its certificate is signed by itself"]


async def test_a_password_that_imis_does_not_take_is_told_and_not_shown(us: Organisation) -> None:
    assert us.setup.crm is not None
    await changed(us, replace(us.setup, crm=replace(us.setup.crm, secrets={"password": "Kanari-wrong"})))
    found = [finding for finding in await inside(us) if finding.key == "crm.refused"]
    assert [finding.level for finding in found] == [Level.PROBLEM]
    assert "invalid_grant" in found[0].text("en")
    assert "Kanari" not in found[0].text("en")


async def test_a_subscription_that_has_ended_is_told(us: Organisation) -> None:
    ended = us.house.product.clock.now() - timedelta(minutes=7)
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.subscriptions.put(Subscription(kind="presence:x", graph_id="g", client_state="s", expires_at=ended))
    try:
        assert wrong(await inside(us))["presence.expired"] is Level.PROBLEM
    finally:
        async with us.house.store.open_tenant(us.id) as rows:
            await rows.subscriptions.remove("presence:x")


@pytest.mark.parametrize(("age_s", "level"), [(30, Level.WARNING), (120, Level.PROBLEM)])
async def test_what_waits_too_long_is_told(us: Organisation, age_s: float, level: Level) -> None:
    long_ago = us.house.product.clock.now() - timedelta(seconds=age_s)
    order = HangUp(call=CallId(f"call-{age_s}"), graph_id=GraphCallId("g"))
    await us.house.store.accept(us.id, [Incoming("command", f"old-{age_s}", b"{}", long_ago)])
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.outbox.put([order], long_ago)
    try:
        assert await wrong_beside_sleep(us) == {"lag.inbox": level, "lag.outbox": level}
    finally:
        await put_away(us)


async def test_what_is_parked_is_counted(us: Organisation) -> None:
    now = us.house.product.clock.now()
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.outbox.put([HangUp(call=CallId("parked"), graph_id=GraphCallId("g"))], now)
        await rows.outbox.put([HangUp(call=CallId("parked-too"), graph_id=GraphCallId("g"))], now)
    await put_away(us, parked=True)
    found = [finding for finding in await inside(us) if finding.check == "parked"]
    assert [finding.fields["effects"] for finding in found] == [2]
    await put_away(us)


async def put_away(us: Organisation, *, parked: bool = False) -> None:
    """Nothing waits any more: it is done, or parked."""
    now = us.house.product.clock.now()
    async with us.house.store.open_tenant(us.id) as rows:
        connection = rows.inbox._scope.connection
        waiting = await connection.fetch("select id from outbox where tenant = $1 and state <> 'done'", us.id)
        for row in waiting:
            await (rows.outbox.park(row["id"], now, "stuck") if parked else rows.outbox.done(row["id"], now))
        await rows.inbox.fold({item.id: None for item in await rows.inbox.unfolded(100)}, now)
