"""Settings: one typed object, read once; a wrong one says so in one line."""

import pytest

from cordpair.errors import Rejected
from cordpair.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CORDPAIR_{name.upper()}", raising=False)


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDPAIR_PORT", "9000")
    assert read_settings().port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PUBLIC_URL", "cordpair.example"),
        ("LOG_LEVEL", "loud"),
        ("SERVICE_URL_HOSTS", "not a list"),
        ("CLOCK_RATE", "60"),
        ("PUBLIC_URL", ""),
        ("TLS_CERTIFICATE", "/etc/cordpair/certificate.pem"),
        ("TLS_KEY", "/etc/cordpair/key.pem"),
        ("TRUSTED_PROXIES", "10.0.0.7"),
        ("TRUSTED_PROXIES", '["everybody"]'),
        ("OTLP_ENDPOINT", "collector:4318"),
        ("TRACE_RATIO", "1.5"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CORDPAIR_{name}", value)
    with pytest.raises(Rejected) as caught:
        read_settings()
    assert name.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_a_wrong_value_is_not_repeated_because_it_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDPAIR_PORT", "hunter2")
    with pytest.raises(Rejected) as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


def test_a_list_is_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDPAIR_SERVICE_URL_HOSTS", '["127.0.0.1"]')
    assert read_settings().service_url_hosts == ("127.0.0.1",)


def test_time_may_run_faster_on_an_emulated_cloud() -> None:
    assert read_settings(clock_rate=60.0, graph_url="http://127.0.0.1:9/v1.0").clock_rate == 60.0


def test_a_printed_settings_object_keeps_the_operator_key() -> None:
    assert "c2VjcmV0" not in repr(read_settings(operator_key="c2VjcmV0"))


def test_a_certificate_of_our_own_needs_an_address_with_https() -> None:
    with pytest.raises(Rejected, match="https"):
        read_settings(tls_certificate="c.pem", tls_key="k.pem", public_url="http://cordpair.example")
    assert read_settings(tls_certificate="c.pem", tls_key="k.pem", public_url="https://cordpair.example").tls_key


def test_nobody_s_forwarded_headers_are_trusted_by_default() -> None:
    assert read_settings().trusted_proxies == ()


def test_nothing_is_sent_to_a_collector_by_default() -> None:
    assert read_settings().otlp_endpoint == ""
