"""All settings: one typed object, read once. `cordpair settings` lists them from here."""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cordpair.errors import Rejected


class Settings(BaseSettings):
    """Read from the environment (`CORDPAIR_...`); each field says what it is for."""

    model_config = SettingsConfigDict(env_prefix="CORDPAIR_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        default=Path.home() / ".cordpair",
        description="Folder for the embedded database and the generated operator key.",
    )
    database_url: str = Field(
        default="", description="PostgreSQL >= 15 to use (owner role). Empty: cordpair runs its own under data_dir."
    )
    keys_database_url: str = Field(
        default="",
        description="PostgreSQL database of the subject keys. Empty: a database of its own beside the main one. "
        "Never put it into the main backup.",
    )
    operator_key: SecretStr = Field(
        default=SecretStr(""),
        description="Base64 of 32 random bytes that wrap all tenant keys. Empty: generated once under data_dir.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        description="How Microsoft and people reach us from outside, https in production.",
    )
    tls_certificate: str = Field(
        default="",
        description="PEM file of the server certificate with its chain: cordpair then speaks TLS itself, 1.2 or newer. "
        "A renewed file is taken up without a restart. Empty: a proxy does it.",
    )
    tls_key: str = Field(default="", description="PEM file of that certificate's private key, without a passphrase.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of proxies in front of cordpair, a JSON list. Only their X-Forwarded-For "
        "and X-Forwarded-Proto count; what they say came over plain http is refused where public_url is https.",
    )
    graph_url: str = Field(default="https://graph.microsoft.com/v1.0", description="Microsoft Graph.")
    login_url: str = Field(default="https://login.microsoftonline.com", description="Microsoft Entra.")
    bot_openid_url: str = Field(
        default="https://login.botframework.com/v1/.well-known/openidconfiguration",
        description="Where the keys are announced that sign bot and calling requests.",
    )
    bot_issuer: str = Field(default="https://api.botframework.com", description="Issuer of those tokens.")
    service_url_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("smba.trafficmanager.net", "*.botframework.com", "*.teams.microsoft.com"),
        description="Hosts to which the bot may send; a JSON list, `*.` matches subdomains.",
    )
    private_networks: str = Field(
        default="",
        description="Networks that are not public and may be spoken to all the same when an organisation names a host "
        "in them (CRM by a mapping, webhooks), like `10.1.0.0/16, 192.168.7.20/32`.",
    )
    clock_rate: float = Field(
        default=1.0, gt=0, description="Speed of time; other than 1 only for demonstrations on an emulated cloud."
    )
    encrypted_notifications: bool = Field(
        default=False,
        description="Ask Microsoft to encrypt what its notifications of presence carry, with a key pair for each "
        "subscription: then no proxy in front of cordpair can read it.",
    )
    body_limit_bytes: int = Field(default=1_000_000, gt=0, description="Largest request body that is read.")
    log_format: Literal["json", "console"] = Field(default="json", description="How logs are printed.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the Prometheus metrics, on loopback only; 0 serves none."
    )
    otlp_endpoint: str = Field(
        default="",
        description="OpenTelemetry collector that gets one trace for each call (OTLP over HTTP), like "
        "`http://collector:4318`; needs `cordpair[tracing]`. Empty: no traces are made.",
    )
    trace_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of calls that are traced; all nodes choose the same calls."
    )
    outbox_workers: int = Field(default=16, ge=1, le=256, description="Effects performed at the same time.")
    database_pool: int = Field(default=12, ge=4, le=100, description="Connections to the database.")

    @field_validator("service_url_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _json_list(cls, given: object) -> object:
        # Read here and not by the library, whose refusal would not be a ValidationError.
        if isinstance(given, str):
            try:
                return json.loads(given)
            except ValueError:
                raise ValueError('must be a JSON list, like ["smba.trafficmanager.net"] or ["10.0.0.0/8"]') from None
        return given

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(each)) for each in given)
        except ValueError:
            raise ValueError("must list addresses or networks, like 10.0.0.7 or 10.0.0.0/8") from None

    @field_validator("public_url", "graph_url", "login_url", "otlp_endpoint")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url.rstrip("/")

    @field_validator("public_url", "graph_url", "login_url")
    @classmethod
    def _needed(cls, url: str) -> str:
        if not url:
            raise ValueError("must not be empty")
        return url

    @model_validator(mode="after")
    def _tls_is_whole(self) -> "Settings":
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key go together: set both, or none")
        if self.tls_certificate and not self.public_url.startswith("https://"):
            raise ValueError("tls_certificate needs a public_url that begins with https://")
        return self

    @model_validator(mode="after")
    def _time_is_real_in_production(self) -> "Settings":
        if self.clock_rate != 1.0 and self.graph_url.startswith("https://graph.microsoft.com"):
            raise ValueError("clock_rate other than 1 needs an emulated Graph (graph_url)")
        return self


def read_settings(**overrides: object) -> Settings:
    """Read the environment. Raises Rejected with one clear line when a setting is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        text = first["msg"].removeprefix("Value error, ")
        raise Rejected(
            f"setting {'CORDPAIR_' + name if name else ''}: {text}".replace("setting : ", "settings: ")
        ) from exc
