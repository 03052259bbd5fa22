"""Users, the organisation, and the app's installation for a user."""

import re
from typing import Any
from urllib.parse import urlencode

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.graph.app import Answer, Asked, Handlers
from cordpair.emulator.graph.errors import GraphError, bad_request
from cordpair.emulator.world import Agent, Tenant

_APPS = "/users/{user-id}/teamwork/installedApps"


class Directory:
    """Handlers of `/users` and `/organization`. `installed` are users who have the bot; `install` adds one."""

    def __init__(self, cloud: Cloud, installed: set[str]) -> None:
        self._cloud = cloud
        self._installed = installed

    def handlers(self) -> Handlers:
        return {
            ("GET", "/users"): self.users,
            ("GET", "/users/{user-id}"): self.user,
            ("GET", "/organization"): self.organization,
            ("GET", _APPS): self.apps,
            ("POST", _APPS): self.install,
            ("GET", f"{_APPS}/{{i-id}}/chat"): self.chat,
        }

    async def users(self, asked: Asked) -> Answer:
        wanted = asked.query.get("$filter", "")
        found = re.fullmatch(r"userPrincipalName eq '([^']*)'", wanted) if wanted else None
        if wanted and not found:
            raise bad_request("Only $filter=userPrincipalName eq '...' is emulated.")
        people = [a for a in asked.tenant.agents if found is None or a.upn == found.group(1)]
        top, skipped = _number(asked, "$top", 100), _number(asked, "$skiptoken", 0)
        page = [_resource(agent, asked) for agent in people[skipped : skipped + top]]
        more = urlencode({**asked.query, "$skiptoken": skipped + top}) if skipped + top < len(people) else ""
        return Answer(200, page, next_page=f"/users?{more}" if more else "")

    async def user(self, asked: Asked) -> Answer:
        return Answer(200, _resource(_agent(asked.tenant, asked.ids[0]), asked))

    async def organization(self, asked: Asked) -> Answer:
        return Answer(200, [{"id": asked.tenant.id, "displayName": asked.tenant.name}])

    async def apps(self, asked: Asked) -> Answer:
        agent = _agent(asked.tenant, asked.ids[0])
        return Answer(200, [{"id": _installation(agent)}] if agent.id in self._installed else [])

    async def install(self, asked: Asked) -> Answer:
        agent = _agent(asked.tenant, asked.ids[0])
        if agent.id in self._installed:
            raise GraphError(409, "Conflict", "App is already installed.")
        self._installed.add(agent.id)
        return Answer(201, location=f"/users/{agent.id}/teamwork/installedApps/{_installation(agent)}")

    async def chat(self, asked: Asked) -> Answer:
        agent = _agent(asked.tenant, asked.ids[0])
        if agent.id not in self._installed or asked.ids[1] != _installation(agent):
            raise GraphError(404, "NotFound", "No such installation.")
        return Answer(200, {"id": agent.conversation, "chatType": "oneOnOne"})


def _number(asked: Asked, name: str, default: int) -> int:
    text = asked.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Query option '{name}' must be a number.")
    return int(text)


def _agent(tenant: Tenant, user: str) -> Agent:
    found = tenant.agent(user) or next((a for a in tenant.agents if a.upn == user.lower()), None)
    if found is None:
        raise GraphError(404, "Request_ResourceNotFound", f"Resource '{user}' does not exist.")
    return found


def _installation(agent: Agent) -> str:
    return f"installed-{agent.id}"


def _resource(agent: Agent, asked: Asked) -> dict[str, Any]:
    given, _, family = agent.name.partition(" ")
    everything = {
        "id": agent.id,
        "displayName": agent.name,
        "givenName": given,
        "surname": family,
        "userPrincipalName": agent.upn,
        "mail": agent.upn,
        "preferredLanguage": agent.locale,
        "accountEnabled": True,
        "businessPhones": [],
    }
    wanted = asked.query.get("$select")
    return everything if not wanted else {n: v for n, v in everything.items() if n in wanted.split(",")}
