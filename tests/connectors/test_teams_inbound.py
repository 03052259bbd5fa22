"""Who may speak to us: the matrix of tokens, with real keys from a real server."""

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cordpair.connectors.teams.inbound import BotTokens, same_client_state
from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.verdicts import Verdicts
from cordpair.errors import Rejected, TemporaryFailure
from tests.connectors.teams_world import (
    CLIENT,
    ISSUER,
    Key,
    KeyServer,
    bot_claims,
    now_utc,
    serving,
)

TEAMS = Key("teams", ["msteams", "webchat"])
SKYPE = Key("skype", ["skype"])
STRANGER = Key("teams")  # the same id, another key
SERVICE = "https://smba.trafficmanager.net/emea/"


@dataclass
class World:
    tokens: BotTokens
    keys: SigningKeys
    server: KeyServer
    now: list[float]

    async def verify(self, token: str, **more: Any) -> dict[str, Any]:
        expected = {"service_url": SERVICE, "channel": "msteams", **more}
        return await self.tokens.verify(f"Bearer {token}", audience=CLIENT, **expected)

    async def refuses(self, token: str, **more: Any) -> int:
        with pytest.raises(Rejected) as refusal:
            await self.verify(token, **more)
        return refusal.value.status


@pytest.fixture
async def world() -> AsyncIterator[World]:
    server = KeyServer([TEAMS, SKYPE])
    now = [0.0]
    async with serving(server.app()) as url, httpx.AsyncClient() as http:
        keys = SigningKeys(http, f"{url}/openidconfiguration", clock=lambda: now[0])
        yield World(BotTokens(keys, issuer=ISSUER, now=now_utc), keys, server, now)


def in_minutes(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def claims_now(case: dict[str, Any]) -> dict[str, Any]:
    """The claims of a case; instants count from now, not from when the tests were collected."""
    return bot_claims(**dated(case))


def dated(claims: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {name: now + it if isinstance(it, timedelta) else it for name, it in claims.items()}


async def test_a_good_token_is_let_in(world: World) -> None:
    assert (await world.verify(TEAMS.sign(bot_claims())))["aud"] == CLIENT


async def test_a_calling_token_needs_no_service_address(world: World) -> None:
    await world.verify(TEAMS.sign(bot_claims(serviceurl=None)), service_url=None, channel=None)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic dTpw"])
async def test_without_a_bearer_token_the_answer_is_401(world: World, header: str | None) -> None:
    with pytest.raises(Rejected) as refusal:
        await world.tokens.verify(header, audience=CLIENT)
    assert refusal.value.status == 401


REFUSED: dict[str, dict[str, Any]] = {
    "audience of another bot": {"aud": "eeeeeeee-0000-4000-8000-00000000000e"},
    "audience that names others too": {"aud": [CLIENT, "another"]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://sts.windows.net/11111111-1111-4111-8111-111111111111/"},
    "the emulator's issuer": {"iss": "http://127.0.0.1:9000"},
    "no issuer": {"iss": None},
    "expired six minutes ago": {"exp": in_minutes(-6)},
    "no expiry": {"exp": None},
    "valid in six minutes": {"nbf": in_minutes(6)},
    "no service address": {"serviceurl": None},
    "another service address": {"serviceurl": "https://smba.trafficmanager.net/amer/"},
    "the service address in another case": {"serviceurl": "https://SMBA.trafficmanager.net/emea/"},
    "an empty service address": {"serviceurl": ""},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_that_does_not_hold_is_refused(world: World, case: str) -> None:
    assert await world.refuses(TEAMS.sign(claims_now(REFUSED[case]))) == 403


ACCEPTED: dict[str, dict[str, Any]] = {
    "expired four minutes ago": {"exp": in_minutes(-4)},
    "valid in four minutes": {"nbf": in_minutes(4)},
    "no not-before": {"nbf": None},
    "audience as a list of one": {"aud": [CLIENT]},
    "the service address without its last slash": {"serviceurl": SERVICE.rstrip("/")},
}


@pytest.mark.parametrize("case", ACCEPTED)
async def test_a_token_within_the_skew_is_let_in(world: World, case: str) -> None:
    await world.verify(TEAMS.sign(claims_now(ACCEPTED[case])))


async def test_the_right_key_id_with_another_key_is_refused(world: World) -> None:
    assert await world.refuses(STRANGER.sign(bot_claims())) == 403


async def test_a_token_without_a_signature_is_refused(world: World) -> None:
    token = jwt.encode(bot_claims(), "", algorithm="none", headers={"kid": "teams"})
    assert await world.refuses(token) == 403


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(world: World) -> None:
    public = TEAMS.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = (
        encoded(part) for part in ({"alg": "HS256", "typ": "JWT", "kid": "teams"}, bot_claims(nbf=None, exp=4102444800))
    )
    signature = hmac.digest(public, f"{head}.{body}".encode(), "sha256")
    assert await world.refuses(f"{head}.{body}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}") == 403


def encoded(part: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def test_text_that_is_no_token_is_refused(world: World) -> None:
    assert await world.refuses("abc.def") == 403


async def test_a_key_that_is_not_endorsed_for_teams_is_refused(world: World) -> None:
    assert await world.refuses(SKYPE.sign(bot_claims())) == 403


async def test_a_channel_that_the_key_is_not_endorsed_for_is_refused(world: World) -> None:
    assert await world.refuses(TEAMS.sign(bot_claims()), channel="emulator") == 403


async def test_unknown_key_ids_are_asked_for_once_a_minute_at_most(world: World) -> None:
    await world.verify(TEAMS.sign(bot_claims()))
    world.now[0] += 61
    for number in range(5):
        await world.refuses(STRANGER.sign(bot_claims(), kid=f"new-{number}"))
    assert world.server.key_requests == 2


async def test_a_new_key_is_found_at_once_after_a_roll_over(world: World) -> None:
    await world.verify(TEAMS.sign(bot_claims()))
    new = Key("rolled", ["msteams"])
    world.server.keys.append(new)
    await world.verify(new.sign(bot_claims()))


async def test_what_was_found_about_a_token_ends_with_the_key_that_signed_it(world: World) -> None:
    token = TEAMS.sign(bot_claims())
    await world.verify(token)
    world.server.keys[:] = [SKYPE, STRANGER]  # the same key id, another key
    world.now[0] += 24 * 3600 + 1
    assert await world.refuses(token, channel=None) == 403


async def test_what_was_found_about_a_token_ends_when_the_token_does(world: World) -> None:
    now = [datetime.now(UTC)]
    tokens = BotTokens(world.keys, issuer=ISSUER, now=lambda: now[0])
    token = TEAMS.sign(bot_claims(exp=now[0] - in_minutes(4)))  # within the skew: judged anew each time
    await tokens.verify(f"Bearer {token}", audience=CLIENT)
    verdict = await tokens._verdicts.of(token)
    assert verdict.until <= now[0]


async def test_a_token_that_is_known_still_has_to_be_for_whom_it_is_shown_to(world: World) -> None:
    token = TEAMS.sign(bot_claims())
    await world.verify(token)
    with pytest.raises(Rejected):
        await world.tokens.verify(f"Bearer {token}", audience="eeeeeeee-0000-4000-8000-00000000000e")
    assert await world.refuses(token, service_url="https://smba.trafficmanager.net/amer/") == 403
    assert await world.refuses(token, channel="emulator") == 403


async def test_no_more_tokens_are_remembered_than_there_is_room_for(world: World) -> None:
    verdicts = Verdicts(world.keys, now=now_utc, remembered=3)
    for number in range(10):
        await verdicts.of(TEAMS.sign(bot_claims(jti=str(number))))
    assert len(verdicts._known) == 3


async def test_an_issuer_that_is_away_from_the_start_is_not_asked_by_everybody_who_waits(world: World) -> None:
    world.server.is_down = True
    token = TEAMS.sign(bot_claims())
    answers = await asyncio.gather(*(world.verify(token) for _ in range(50)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TemporaryFailure}
    assert world.server.key_requests == 1
    world.server.is_down = False
    world.now[0] += 4
    await world.verify(token)


async def test_a_key_that_was_withdrawn_is_refused_after_a_day(world: World) -> None:
    await world.verify(TEAMS.sign(bot_claims()))
    world.server.keys.remove(TEAMS)
    world.now[0] += 24 * 3600 + 1
    assert await world.refuses(TEAMS.sign(bot_claims())) == 403


async def test_old_keys_serve_on_while_the_issuer_is_away(world: World) -> None:
    await world.verify(TEAMS.sign(bot_claims()))
    world.server.is_down = True
    world.now[0] += 24 * 3600 + 1
    await world.verify(TEAMS.sign(bot_claims()))


async def test_an_unchanged_key_set_is_not_sent_again(world: World) -> None:
    await world.verify(TEAMS.sign(bot_claims()))
    world.now[0] += 24 * 3600 + 1
    await world.verify(TEAMS.sign(bot_claims()))
    assert world.server.not_modified == 1


async def test_without_any_keys_the_failure_is_temporary(world: World) -> None:
    world.server.is_down = True
    with pytest.raises(TemporaryFailure):
        await world.verify(TEAMS.sign(bot_claims()))


@pytest.mark.parametrize(
    ("item", "is_same"),
    [({"clientState": "right"}, True), ({"clientState": "wrong"}, False), ({}, False), ({"clientState": 1}, False)],
)
def test_a_change_notification_must_carry_its_secret(item: dict[str, Any], is_same: bool) -> None:
    assert same_client_state(item, "right") is is_same


def test_an_empty_secret_matches_nothing() -> None:
    assert not same_client_state({"clientState": ""}, "")
