"""Teams presence: read in one go for many people, told by change notifications, set for an agent in a call."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
from msgspec.structs import replace

from cordpair.connectors.teams.rest import Rest, Tokens
from cordpair.connectors.teams.tokens import GRAPH_SCOPE
from cordpair.connectors.teams.translate import Ignored, presence_of
from cordpair.core.events import PresenceSeen
from cordpair.core.ids import AgentId

MOST_IDS = 650  #: people in one request and in one subscription


class GraphPresence:
    """Presence of the people of one tenant. `client_id` is the session that what we set belongs to."""

    def __init__(self, http: httpx.AsyncClient, tokens: Tokens, *, graph_url: str, client_id: str) -> None:
        self._rest = Rest(http, tokens, scope=GRAPH_SCOPE)
        self._communications = f"{graph_url}/communications"
        self._client_id = client_id

    async def read(self, agents: Sequence[AgentId], *, at: datetime) -> list[PresenceSeen]:
        """The presence of any number of people; who is unknown to Graph is left out."""
        seen: list[PresenceSeen] = []
        for start in range(0, len(agents), MOST_IDS):
            body = {"ids": list(agents[start : start + MOST_IDS])}
            url = f"{self._communications}/getPresencesByUserId"
            answer = await self._rest.request("POST", url, body=body, repeatable=True)
            facts = (presence_of(item, at=at) for item in _list(answer))
            seen.extend(replace(fact, is_read=True) for fact in facts if not isinstance(fact, Ignored))
        return seen

    async def set(self, agent: AgentId, availability: str, activity: str, lasts: timedelta) -> None:
        """Show a presence of ours, e.g. Busy/InACall; what the person sets themselves wins. `lasts` 5 min to 4 h."""
        minutes = min(max(int(lasts.total_seconds() // 60), 5), 240)
        body = {
            "sessionId": self._client_id,
            "availability": availability,
            "activity": activity,
            "expirationDuration": f"PT{minutes}M",
        }
        await self._rest.request(
            "POST", f"{self._communications}/presences/{agent}/setPresence", body=body, repeatable=True
        )


def _list(answer: dict[str, Any]) -> list[Any]:
    found = answer.get("value")
    return found if isinstance(found, list) else []
