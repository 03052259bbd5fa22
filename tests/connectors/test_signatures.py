"""Signatures of webhooks, beside a library that nobody here wrote."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks

from cordpair.connectors.cloudtoolz import new_secret, sign, verified
from cordpair.errors import Rejected

SECRET, OTHER = new_secret(b"a" * 32), new_secret(b"b" * 32)
BODY = '{"von": "Ännchen"}'.encode()
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_vector_of_the_specification_comes_out() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_library_takes_what_we_sign() -> None:
    headers = sign([OTHER, SECRET], "msg_1", datetime.now(UTC), BODY)
    assert standardwebhooks.Webhook(SECRET).verify(BODY, headers) == {"von": "Ännchen"}


def test_we_take_what_the_library_signs() -> None:
    signature = standardwebhooks.Webhook(SECRET).sign("msg_1", NOW, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(NOW.timestamp())), "webhook-signature": signature}
    assert verified([OTHER, SECRET], headers, BODY, NOW) == "msg_1"


def test_a_body_that_was_altered_by_one_byte_is_refused() -> None:
    headers = sign([SECRET], "msg_1", NOW, BODY)
    with pytest.raises(Rejected, match="does not fit"):
        verified([SECRET], headers, BODY[:-1] + b" ", NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_message_of_another_time_is_refused(minutes: int) -> None:
    headers = sign([SECRET], "msg_1", NOW + timedelta(minutes=minutes), BODY)
    with pytest.raises(Rejected, match="too old or too new"):
        verified([SECRET], headers, BODY, NOW)


def test_a_secret_that_has_ended_opens_nothing() -> None:
    with pytest.raises(Rejected):
        verified([OTHER], sign([SECRET], "msg_1", NOW, BODY), BODY, NOW)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_one_of_its_headers_is_refused(missing: str) -> None:
    headers = sign([SECRET], "msg_1", NOW, BODY)
    del headers[missing]
    with pytest.raises(Rejected, match="not signed"):
        verified([SECRET], headers, BODY, NOW)


def test_a_secret_is_32_bytes_in_base64() -> None:
    assert base64.b64decode(SECRET.removeprefix("whsec_")) == b"a" * 32
