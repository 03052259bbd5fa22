"""What an answer of iMIS means, for answers that no well-behaved server gives."""

import httpx
import pytest

from cordpair.connectors.imis.answers import read_answer
from cordpair.errors import PermanentFailure, TemporaryFailure, Throttled, UnknownOutcome
from tests.connectors.imis_server import NOON


def answer(status: int, content: bytes, *, writing: bool = False) -> object:
    return read_answer(httpx.Response(status, content=content), writing=writing, sent=(), now=NOON)


def test_a_byte_order_mark_before_the_data_is_no_error() -> None:
    assert answer(200, b'\xef\xbb\xbf{"Id": "7"}') == {"Id": "7"}


@pytest.mark.parametrize("content", [b"", b"<html>", b"null", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a":'])
def test_what_is_no_object_is_temporary(content: bytes) -> None:
    with pytest.raises(TemporaryFailure):
        answer(200, content)


@pytest.mark.parametrize("status", [200, 201, 302, 500, 502, 503, 504])
def test_what_is_no_object_after_writing_is_an_unknown_outcome(status: int) -> None:
    with pytest.raises(UnknownOutcome):
        answer(status, b"<html>", writing=True)


@pytest.mark.parametrize("status", [403, 404])
def test_a_page_that_refuses_a_writing_was_not_carried_out(status: int) -> None:
    with pytest.raises(TemporaryFailure) as failure:
        answer(status, b"<html>", writing=True)
    assert not isinstance(failure.value, UnknownOutcome)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 501])
def test_a_refusal_is_permanent_and_keeps_its_status(status: int) -> None:
    with pytest.raises(PermanentFailure) as failure:
        answer(status, b'{"Errors": null}')
    assert failure.value.status == status


def test_a_wish_for_patience_is_a_throttling_even_when_writing() -> None:
    with pytest.raises(TemporaryFailure) as failure:
        answer(429, b"", writing=True)
    assert type(failure.value) is Throttled


def test_who_gave_up_waiting_for_a_writing_does_not_say_that_it_was_not_carried_out() -> None:
    with pytest.raises(UnknownOutcome):
        answer(408, b"", writing=True)


def test_who_gave_up_waiting_for_a_reading_is_asked_again() -> None:
    with pytest.raises(Throttled):
        answer(408, b"")


def test_a_very_long_message_is_cut() -> None:
    with pytest.raises(PermanentFailure) as failure:
        answer(400, b'{"Errors": {"$values": [{"Message": "' + b"x" * 5000 + b'"}]}}')
    assert len(str(failure.value)) < 600
