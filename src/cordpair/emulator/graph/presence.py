"""Presence of users, and the news of it for those who subscribed."""

from dataclasses import dataclass
from typing import Any, Protocol

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.graph.app import Answer, Asked, Handlers
from cordpair.emulator.graph.errors import GraphError, bad_request
from cordpair.emulator.world import Tenant

_MOST_IDS = 650
_BY_APP = {
    ("Available", "Available"),
    ("Busy", "InACall"),
    ("Busy", "InAConferenceCall"),
    ("Away", "Away"),
    ("DoNotDisturb", "Presenting"),
}


class News(Protocol):
    """Whoever brings news of presence to subscribers."""

    def presence_changed(self, tenant: Tenant, user: str, data: dict[str, Any]) -> None: ...


@dataclass
class Presence:
    availability: str = "Offline"
    activity: str = "Offline"
    sequence: int = 0


class Presences:
    """Handlers of presence, and the place where people's clients set it."""

    def __init__(self, cloud: Cloud, news: News) -> None:
        self._cloud = cloud
        self._news = news
        self._of: dict[str, Presence] = {}

    def handlers(self) -> Handlers:
        return {
            ("POST", "/communications/getPresencesByUserId"): self.many,
            ("GET", "/communications/presences/{presence-id}"): self.one,
            ("GET", "/users/{user-id}/presence"): self.one,
            ("POST", "/communications/presences/{presence-id}/setPresence"): self.set_by_app,
            ("POST", "/users/{user-id}/presence/setPresence"): self.set_by_app,
        }

    def set(self, tenant: Tenant, user: str, availability: str, activity: str) -> None:
        """A user's client says how the user is."""
        presence = self._of.setdefault(user, Presence())
        if (presence.availability, presence.activity) == (availability, activity):
            return
        presence.availability, presence.activity = availability, activity
        presence.sequence += 1
        self._news.presence_changed(tenant, user, self._resource(user))

    async def many(self, asked: Asked) -> Answer:
        ids = asked.body["ids"]
        if not 1 <= len(ids) <= _MOST_IDS:
            raise bad_request(f"Property 'ids' must hold 1 to {_MOST_IDS} ids.")
        return Answer(200, [self._resource(user.lower()) for user in ids if asked.tenant.agent(user)])

    async def one(self, asked: Asked) -> Answer:
        return Answer(200, self._resource(self._user(asked)))

    async def set_by_app(self, asked: Asked) -> Answer:
        state = asked.body["availability"], asked.body["activity"]
        if state not in _BY_APP:
            raise bad_request("Property 'activity' does not go with this availability.")
        self.set(asked.tenant, self._user(asked), *state)
        return Answer(200)

    def _user(self, asked: Asked) -> str:
        agent = asked.tenant.agent(asked.ids[0])
        if agent is None:
            raise GraphError(404, "NotFound", "User not found.")
        return agent.id

    def _resource(self, user: str) -> dict[str, Any]:
        presence = self._of.get(user, Presence())
        return {
            "id": user,
            "availability": presence.availability,
            "activity": presence.activity,
            "sequenceNumber": str(presence.sequence),
            "statusMessage": None,
        }
