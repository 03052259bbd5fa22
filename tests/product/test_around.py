"""What stands around the calls: health, prompts, the floor page, the command line."""

import asyncio
import base64
import io
import os
import sys
import wave
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
import pytest_asyncio

from cordpair.app import derived_key
from cordpair.cli.tenant import read_setup
from cordpair.core.ids import TenantId
from cordpair.errors import Rejected
from cordpair.settings import Settings
from cordpair.store.inbox import Incoming
from cordpair.web.floor_access import floor_link
from tests.databases import OPERATOR_KEY, Server
from tests.product.house import House, house, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ROOT = Path(__file__).resolve().parents[2]


# ---- health


async def test_a_product_that_works_is_alive_and_ready(shared: House) -> None:
    live, ready = [await shared.http.get(f"{shared.url}/health/{name}") for name in ("live", "ready")]
    assert (live.status_code, ready.status_code) == (200, 200)
    assert ready.json() == {"status": "ready", "tenants": 2}


async def test_without_its_database_a_product_is_alive_but_not_ready_and_recovers(shared: House) -> None:
    await shared.line.cut()
    try:
        live, ready = [await shared.http.get(f"{shared.url}/health/{name}") for name in ("live", "ready")]
    finally:
        await shared.line.mend()
    assert (live.status_code, ready.status_code) == (200, 503)

    async def again() -> bool:
        return (await shared.http.get(f"{shared.url}/health/ready")).status_code == 200

    await until(again)


# ---- prompts


@pytest.mark.parametrize("prompt", ["greeting", "waiting"])
async def test_a_prompt_is_a_recording_as_graph_plays_them(asleep: House, prompt: str) -> None:
    answer = await asleep.http.get(media(asleep)(prompt))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert 0.5 < sound.getnframes() / sound.getframerate() < 5
        assert any(sound.readframes(1_000))


def signed(house: House, key: bytes = b"", **claims: Any) -> str:
    """An address of a prompt as somebody else might make it."""
    now = house.product.wall.now()
    whole = {"sub": "greeting", "aud": "media", "exp": now + timedelta(hours=1), **claims}
    chosen = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(chosen, key or derived_key(OPERATOR_KEY, "media"), algorithm="HS256")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"exp": 1_700_000_000}, id="too old"),
        pytest.param({"exp": None}, id="without end"),
        pytest.param({"aud": "floor"}, id="made for another purpose"),
        pytest.param({"sub": "../../etc/passwd"}, id="no prompt"),
        pytest.param({"sub": None}, id="nothing"),
        pytest.param({"key": b"k" * 32}, id="signed by somebody else"),
        pytest.param({"key": derived_key(OPERATOR_KEY, "links")}, id="signed with the key of links"),
    ],
)
async def test_an_address_that_we_did_not_give_out_plays_nothing(asleep: House, claims: dict[str, Any]) -> None:
    assert (await asleep.http.get(f"{asleep.url}/media/{signed(asleep)}")).status_code == 200
    assert (await asleep.http.get(f"{asleep.url}/media/{signed(asleep, **claims)}")).status_code == 404


@pytest.mark.parametrize("token", ["x", "a.b.c", "%00", "..%2f..%2fetc%2fpasswd", "x" * 9_000])
async def test_an_address_that_is_none_plays_nothing(asleep: House, token: str) -> None:
    assert (await asleep.http.get(f"{asleep.url}/media/{token}")).status_code == 404


def media(house: House) -> Any:
    from cordpair.web.media import MediaLinks

    return MediaLinks(derived_key(OPERATOR_KEY, "media"), house.url, house.product.wall.now).address


# ---- floor page


async def test_an_organisation_that_is_not_set_up_has_no_floor_page(shared: House) -> None:
    nobody = TenantId("00000000-0000-4000-8000-000000000000")
    link = floor_link(
        shared.product.link_key,
        nobody,
        public_url=shared.url,
        now=shared.product.clock.now(),
        valid=timedelta(hours=1),
    )
    for _ in range(3):
        answer = await shared.http.get(link, follow_redirects=True)
        assert answer.status_code in (404, 503)
        await asyncio.sleep(0.1)


async def test_the_link_of_one_organisation_shows_nothing_of_another(shared: House) -> None:
    us, they = shared.lanterns, shared.harbours

    async def page() -> str:
        answer = await shared.http.get(shared.floor_page(they), follow_redirects=True)
        return answer.text if answer.status_code == 200 else ""

    shown = await until(page)
    assert they.setup.name in shown
    assert us.setup.name not in shown
    assert us.setup.agents[0].name not in shown


async def test_a_page_that_nobody_opened_by_a_link_is_refused(asleep: House) -> None:
    asleep.http.cookies.clear()
    for path in ("/floor", "/floor/live", "/floor/calls?of=offered", "/floor/a.b.c"):
        assert (await asleep.http.get(asleep.url + path)).status_code == 403, path


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/floor/../etc/passwd", "/static/../app.py", "/bot/", "/graph"]
)
async def test_what_is_not_there_is_not_found(asleep: House, path: str) -> None:
    assert (await asleep.http.get(asleep.url + path)).status_code in (403, 404, 405)


# ---- the command line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installed(postgresql: Server) -> AsyncIterator[tuple[House, dict[str, str]]]:
    """A running product, and the environment in which its operator gives commands."""
    async with postgresql.fresh() as pair, house(pair) as one:
        yield (
            one,
            {
                "CORDPAIR_DATABASE_URL": pair.main_url,
                "CORDPAIR_KEYS_DATABASE_URL": pair.keys_url,
                "CORDPAIR_OPERATOR_KEY": base64.b64encode(OPERATOR_KEY).decode(),
                "CORDPAIR_PUBLIC_URL": one.url,
            },
        )


async def cordpair(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CORDPAIR_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from cordpair.cli import main; main()",
        *arguments,
        env={**clean, "PYTHONPATH": str(_ROOT / "src"), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_every_setting_is_listed_and_no_secret_is_shown() -> None:
    secret = base64.b64encode(b"s" * 32).decode()
    code, out, err = await cordpair(
        "settings", CORDPAIR_OPERATOR_KEY=secret, CORDPAIR_DATABASE_URL="postgresql://cordpair:pa55word@db/cordpair"
    )
    assert (code, err) == (0, "")
    assert [name for name in Settings.model_fields if f"CORDPAIR_{name.upper()}\n" not in out] == []
    assert secret not in out
    assert "pa55word" not in out


async def test_a_wrong_setting_stops_the_start_with_one_line() -> None:
    code, out, err = await cordpair("serve", CORDPAIR_PUBLIC_URL="ftp://x")
    assert (code, out) == (1, "")
    assert err == "cordpair: setting CORDPAIR_PUBLIC_URL: must begin with http:// or https://\n"


async def test_what_is_parked_is_listed_and_tried_again(installed: tuple[House, dict[str, str]]) -> None:
    one, environment = installed
    us = one.lanterns
    await one.store.accept(us.id, [Incoming("graph", "odd", b"[]", one.product.clock.now())])
    one.product.node.ring(us.id)
    (parked,) = await until(us.parked_items)
    code, out, err = await cordpair("parked", "list", "--tenant", us.id, **environment)
    assert (code, err) == (0, "")
    assert f"notification {parked.id}  graph" in out
    assert "could not be folded: AttributeError" in out
    retry = ("parked", "retry", "--tenant", us.id, "--notification")
    assert await cordpair(*retry, str(parked.id), **environment) == (0, "it is tried again\n", "")

    async def twice() -> bool:
        return [one.attempts for one in await us.parked_items()] == [2]

    await until(twice)
    assert await cordpair(*retry, "999999", **environment) == (1, "", "cordpair: 999999 is not parked\n")


async def test_the_printed_link_opens_the_floor_page(installed: tuple[House, dict[str, str]]) -> None:
    one, environment = installed
    code, out, err = await cordpair("floor-link", one.lanterns.id, **environment)
    assert (code, err) == (0, "")

    async def page() -> str:
        answer = await one.http.get(out.strip(), follow_redirects=True)
        return answer.text if answer.status_code == 200 else ""

    assert one.lanterns.setup.name in await until(page)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("setup.toml", "name = ", "setup.toml: ", id="no TOML"),
        pytest.param("setup.json", "{", "setup.json:1:2: ", id="no JSON"),
        pytest.param("setup.json", "[" * 200_000, "setup.json: ", id="nested without end"),
        pytest.param("setup.toml", 'id = "x"\n', "missing required field `name`", id="a field is missing"),
        pytest.param("setup.json", '{"id": "x", "name": 7}', "name: expected `str`", id="a field of another kind"),
        pytest.param("nowhere/setup.toml", None, "No such file", id="no file"),
    ],
)
def test_a_wrong_setup_names_the_file_and_the_place(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(Rejected) as refused:
        read_setup(file)
    assert name in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"id": "not-a-uuid"}, "id: ", id="tenant id"),
        pytest.param({"time_zone": "Mars/Phobos"}, "time_zone: ", id="time zone"),
        pytest.param({"time_zone": "../../etc/passwd"}, "time_zone: ", id="a path as time zone"),
        pytest.param({"region": "Bavaria"}, "region: ", id="region"),
        pytest.param({"crm": {"connector": "sap"}}, "crm: there is no connector 'sap'", id="connector"),
        pytest.param(
            {"crm": {"connector": "imis", "settings": {"base_url": "x"}}}, "crm: iMIS: base_url", id="CRM setting"
        ),
        pytest.param(
            {"agents": [{"id": "11111111-1111-4111-8111-111111111111", "name": "A", "queues": ["x"]}]},
            "agents.11111111-1111-4111-8111-111111111111: serves a queue that there is not",
            id="queue of nobody",
        ),
        pytest.param(
            {"queues": [{"id": "a", "name": "A", "resource_account": "r"}] * 2}, "queues: ", id="a queue twice"
        ),
        pytest.param(
            {"queues": [{"id": "a", "name": "A", "resource_account": "r", "ring_timeout_s": 5}], "agents": []},
            "queues.a: ring_timeout_s",
            id="too short a ring",
        ),
    ],
)
def test_a_setup_that_cannot_work_is_refused_with_its_place(
    tmp_path: Path, asleep: House, change: dict[str, Any], said: str
) -> None:
    built: dict[str, Any] = msgspec.to_builtins(asleep.harbours.setup)
    file = tmp_path / "setup.json"
    file.write_bytes(msgspec.json.encode(built))
    assert read_setup(file) == asleep.harbours.setup
    file.write_bytes(msgspec.json.encode({**built, **change}))
    with pytest.raises(Rejected, match=r"setup\.json:\d+:\d+: ") as refused:
        read_setup(file)
    assert said in str(refused.value)


async def test_a_setup_that_cannot_work_is_not_stored(tmp_path: Path, installed: tuple[House, dict[str, str]]) -> None:
    one, environment = installed
    before = await setup_of(one)
    file = tmp_path / "setup.json"
    file.write_bytes(msgspec.json.encode({**msgspec.to_builtins(one.harbours.setup), "time_zone": "Mars/Phobos"}))
    code, out, err = await cordpair("tenant", "apply", str(file), **environment)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert await setup_of(one) == before


async def setup_of(one: House) -> Any:
    async with one.store.open_tenant(one.harbours.id) as rows:
        return await rows.setups.get()
