"""Tokens of an emulated iMIS: `POST /token` with the grants password and refresh_token."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime


class Refused(Exception):
    """An OAuth error; the text is its code."""


@dataclass
class Tokens:
    """Users and client applications, and what was handed out. The defaults need to be form-encoded to arrive whole."""

    users: dict[str, str] = field(default_factory=lambda: {"cordpair": "lamp&wick+1% ä"})
    clients: dict[str, str] = field(default_factory=lambda: {"cordpair-app": "s&cret+1"})
    refresh_tokens: dict[str, str] = field(default_factory=lambda: {"first-refresh/token+": "cordpair"})
    life_s: int = 1199
    _live: dict[str, datetime] = field(default_factory=dict)

    def grant(self, form: Mapping[str, str], now: datetime) -> dict[str, object]:
        """Answer a token request. Raises Refused."""
        match form.get("grant_type"):
            case "password":
                user = form.get("username", "")
                if user not in self.users or self.users[user] != form.get("password"):
                    raise Refused("invalid_grant")
                return self._issue(user, now)
            case "refresh_token":
                return self._refresh(form, now)
            case _:
                raise Refused("unsupported_grant_type")

    def good(self, token: str, now: datetime) -> bool:
        expires = self._live.get(token)
        return expires is not None and now < expires

    def revoke(self) -> None:
        """End all access tokens at once."""
        self._live.clear()

    def revoke_refresh(self) -> None:
        """End all refresh tokens, as happens long before their configured end."""
        self.refresh_tokens.clear()

    def _refresh(self, form: Mapping[str, str], now: datetime) -> dict[str, object]:
        client = form.get("client_id", "")
        if client not in self.clients or self.clients[client] != form.get("client_secret"):
            raise Refused("invalid_client")
        user = self.refresh_tokens.pop(form.get("refresh_token", ""), None)
        if user is None:
            raise Refused("invalid_grant")
        following = secrets.token_urlsafe(24)
        self.refresh_tokens[following] = user
        return self._issue(user, now) | {"refresh_token": following, "as:client_id": client}

    def _issue(self, user: str, now: datetime) -> dict[str, object]:
        token, expires = secrets.token_urlsafe(32), now + timedelta(seconds=self.life_s)
        self._live[token] = expires
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.life_s,
            "userName": user,
            ".issued": format_datetime(now, usegmt=True),
            ".expires": format_datetime(expires, usegmt=True),
        }
