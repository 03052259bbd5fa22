"""Microsoft's Teams SDK, kept from what it does by itself: reading `.env` files, the environment, and logging texts."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)


#: What the SDK would take from the environment in place of what it is given.
_READ_BY_THE_SDK = ("CLIENT_SECRET", "MANAGED_IDENTITY_CLIENT_ID", "TENANT_ID", "CLOUD", "SERVICE_URL")


@contextmanager
def own_settings_only() -> Iterator[None]:
    """Within it, the SDK sees neither the environment's settings nor the nearest `.env` file, which it loads."""
    before = {name: os.environ.pop(name, None) for name in (*_READ_BY_THE_SDK, "PYTHON_DOTENV_DISABLED")}
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHON_DOTENV_DISABLED"]
        os.environ.update({name: value for name, value in before.items() if value is not None})


with own_settings_only(), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it announces its experimental parts, which we do not use
    from microsoft_teams.api import ActivityTypeAdapter, InvokeResponse
    from microsoft_teams.api.activities.conversation import ConversationUpdateActivity
    from microsoft_teams.api.activities.install_update import InstalledActivity
    from microsoft_teams.api.activities.invoke.adaptive_card import AdaptiveCardInvokeActivity
    from microsoft_teams.api.activities.message import MessageActivity
    from microsoft_teams.api.auth.cloud_environment import PUBLIC, CloudEnvironment
    from microsoft_teams.apps import ActivityContext, App
    from microsoft_teams.apps.events import CoreActivity

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
    "has_shape",
    "keep_texts_out",
    "own_settings_only",
]


def has_shape(activity: dict[str, Any]) -> bool:
    """Whether the SDK will be able to read the activity. It calls everything else an internal error, by itself."""
    try:
        ActivityTypeAdapter.validate_python(
            CoreActivity.model_validate(activity).model_dump(by_alias=True, exclude_none=True)
        )
    except (ValueError, RecursionError):
        return False
    return True


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
        log.warning("the Teams SDK reports a problem", module=record.module, line=record.lineno, error=error)


def keep_texts_out() -> None:
    """Replace the SDK's log lines by our own sentence. May be called again."""
    sdk = logging.getLogger("microsoft_teams")
    sdk.handlers = [_Anonymous(level=logging.WARNING)]
    sdk.setLevel(logging.WARNING)
    sdk.propagate = False
