"""Microsoft's Teams SDK, kept from what it does by itself: reading `.env` files, the environment, and logging texts."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)


@contextmanager
def _without_dotenv() -> Iterator[None]:
    # The SDK loads the nearest `.env` of the working directory at import, which would change our settings.
    before = os.environ.get("PYTHON_DOTENV_DISABLED")
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it announces its experimental parts, which we do not use
            yield
    finally:
        if before is None:
            del os.environ["PYTHON_DOTENV_DISABLED"]
        else:
            os.environ["PYTHON_DOTENV_DISABLED"] = before


with _without_dotenv():
    from microsoft_teams.api import InvokeResponse
    from microsoft_teams.api.activities.conversation import ConversationUpdateActivity
    from microsoft_teams.api.activities.install_update import InstalledActivity
    from microsoft_teams.api.activities.invoke.adaptive_card import AdaptiveCardInvokeActivity
    from microsoft_teams.api.activities.message import MessageActivity
    from microsoft_teams.api.auth.cloud_environment import PUBLIC, CloudEnvironment
    from microsoft_teams.api.auth.credentials import TokenCredentials
    from microsoft_teams.apps import ActivityContext, App

__all__ = [
    "PUBLIC",
    "ActivityContext",
    "AdaptiveCardInvokeActivity",
    "App",
    "CloudEnvironment",
    "ConversationUpdateActivity",
    "InstalledActivity",
    "InvokeResponse",
    "MessageActivity",
    "NoRoutes",
    "TokenCredentials",
    "keep_texts_out",
]


class NoRoutes:
    """The SDK's server adapter that serves nothing: our own endpoint hands requests over, behind our guard."""

    def register_route(self, method: str, path: str, handler: Callable[..., Any]) -> None:
        """Nothing: one route serves all registrations."""

    def serve_static(self, path: str, directory: str) -> None:
        """Nothing is served."""

    async def start(self, port: int) -> None:
        """Our own server runs already."""

    async def stop(self) -> None:
        """Our own server stops itself."""


class _Anonymous(logging.Handler):
    """Says that the SDK complained, and where. Its own texts quote activities, which are people's words."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        place = f"{record.module}:{record.lineno}"
        log.warning("the Teams SDK reports a problem", place=place, error=error)


def keep_texts_out() -> None:
    """Replace the SDK's log lines by our own sentence. May be called again."""
    sdk = logging.getLogger("microsoft_teams")
    sdk.handlers = [_Anonymous(level=logging.WARNING)]
    sdk.setLevel(logging.WARNING)
    sdk.propagate = False
