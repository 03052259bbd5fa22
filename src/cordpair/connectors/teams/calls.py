"""Calls of one app registration through Microsoft Graph: answer, ring, play, hang up, re-read."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from cordpair.connectors.teams.rest import Rest, Tokens
from cordpair.connectors.teams.state import call_events, is_caller, roster_event, user_in_call
from cordpair.connectors.teams.tokens import GRAPH_SCOPE
from cordpair.core.events import CallEnded, CallEvent
from cordpair.core.ids import AgentId, GraphCallId, TenantId, call_id
from cordpair.errors import PermanentFailure, UnknownOutcome

_MEDIA = uuid.UUID("9f0f6e7e-8a39-4a50-9d5b-6d2b0a1f4c11")
_CONTEXT_LIMIT = 256
_TOTAL_S = 10.0  #: a ringing call waits 15 s for its answer


class GraphCalls:
    """`kit.Calls` on Graph v1.0, /communications/calls. Media is service-hosted: prompts are fetched from `media_uri`.

    `callback_uri` is our calling webhook, `media_uri` gives the public address of a prompt by its name, `prompts`
    are fetched by Graph when a call is answered. `region` is where national numbers belong, `now` gives aware UTC.
    A call that Graph no longer knows gives PermanentFailure with status 404, except where gone is done.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: Tokens,
        *,
        tenant: TenantId,
        region: str,
        graph_url: str,
        callback_uri: str,
        media_uri: Callable[[str], str],
        now: Callable[[], datetime],
        prompts: Sequence[str] = (),
    ) -> None:
        self._rest = Rest(http, tokens, scope=GRAPH_SCOPE, total_s=_TOTAL_S)
        self._tenant = tenant
        self._region = region
        self._calls = f"{graph_url}/communications/calls"
        self._callback_uri = callback_uri
        self._media_uri = media_uri
        self._now = now
        self._prompts = tuple(prompts)

    async def place(self, agent: AgentId, account: str) -> GraphCallId:
        """Call an agent in the name of a resource account: who is invited then is rung by that account's number."""
        identity = {
            "@odata.type": "#microsoft.graph.identitySet",
            "applicationInstance": {"@odata.type": "#microsoft.graph.identity", "id": account},
        }
        call = {
            "@odata.type": "#microsoft.graph.call",
            "callbackUri": self._callback_uri,
            "source": {"@odata.type": "#microsoft.graph.participantInfo", "identity": identity},
            "targets": [_invitation(agent)],
            "requestedModalities": ["audio"],
            "mediaConfig": self._media_config(),
            "tenantId": self._tenant,
        }
        named = await self._rest.request("POST", self._calls, body=call)
        found = named.get("id")
        if not isinstance(found, str) or not found:
            raise UnknownOutcome("Graph names no call that it has placed")
        return GraphCallId(found)

    def _media_config(self) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.serviceHostedMediaConfig",
            "preFetchMedia": [self._media(prompt) for prompt in self._prompts],
        }

    async def answer(self, call: GraphCallId) -> None:
        """Take a ringing call, within 15 s of its arrival."""
        media = self._media_config()
        await self._post(
            call, "answer", {"callbackUri": self._callback_uri, "mediaConfig": media, "acceptedModalities": ["audio"]}
        )

    async def reject(self, call: GraphCallId, reason: str) -> None:
        """Refuse a ringing call; `reason` is none | busy | forbidden."""
        await self._post(call, "reject", {"reason": reason, "callbackUri": self._callback_uri})

    async def redirect(self, call: GraphCallId, target_user: str) -> None:
        """Send a ringing call on to a Teams user, unanswered."""
        await self._post(call, "redirect", {"targets": [_invitation(target_user)]})

    async def play(self, call: GraphCallId, prompt: str, context: str) -> None:
        """Play a prompt to the caller. `context` comes back with the result."""
        prompts = [{"@odata.type": "#microsoft.graph.mediaPrompt", "mediaInfo": self._media(prompt)}]
        await self._post(call, "playPrompt", {"prompts": prompts, "clientContext": context[:_CONTEXT_LIMIT]})

    async def stop_prompts(self, call: GraphCallId) -> None:
        """Cut short what plays."""
        await self._rest.request("POST", f"{self._calls}/{call}/cancelMediaProcessing", body={}, repeatable=True)

    async def subscribe_tones(self, call: GraphCallId) -> None:
        """Have the caller's keys told to our calling webhook."""
        await self._rest.request("POST", f"{self._calls}/{call}/subscribeToTone", body={}, repeatable=True)

    async def invite(self, call: GraphCallId, agent: AgentId, participant: str, context: str) -> None:
        """Ring a Teams user into the call; UnknownOutcome when Graph may be ringing already."""
        await self._invite(call, _invitation(agent), participant, context)

    async def invite_number(self, call: GraphCallId, number: str, participant: str, context: str) -> None:
        """Ring a telephone number into the call, by the number of the resource account that holds it."""
        await self._invite(call, invited_number(number), participant, context)

    async def _invite(self, call: GraphCallId, invited: dict[str, Any], participant: str, context: str) -> None:
        whom = [{**invited, "participantId": participant}]
        await self._post(call, "participants/invite", {"participants": whom, "clientContext": context[:_CONTEXT_LIMIT]})

    async def remove(self, call: GraphCallId, participant: str) -> None:
        """Take a participant out, ringing or talking."""
        url = f"{self._calls}/{call}/participants/{participant}"
        await self._rest.request("DELETE", url, repeatable=True, gone_is_done=True)

    async def remove_user(self, call: GraphCallId, user: str) -> None:
        """Take a Teams user out, by whatever participant ids they stand in the call."""
        for person in await self._people(call):
            if user_in_call(person) == user:
                await self.remove(call, str(person.get("id")))

    async def hold(self, call: GraphCallId, caller_user: str | None, but: str, *, on: bool) -> None:
        """Start or stop the hold music of the caller. Graph holds one participant of a call at a time."""
        action = "startHoldMusic" if on else "stopHoldMusic"
        people = await self._people(call)
        callers = [one.get("id") for one in people if is_caller(one, caller_user) and one.get("id") != but]
        if on and not callers:
            raise PermanentFailure("the caller does not stand in the call under a name of their own")
        for caller in callers:
            await self._post(call, f"participants/{caller}/{action}", {})

    async def transfer(self, call: GraphCallId, target: str) -> None:
        """Hand the call to a Teams user, or to a telephone number (`+`), and leave it. Refused for a group call.

        A number is called by the number of the resource account that holds the call.
        """
        whom = invited_number(target) if target.startswith("+") else _invitation(target)
        await self._post(call, "transfer", {"transferTarget": whom})

    async def keep_alive(self, call: GraphCallId) -> None:
        """Tell Graph that the call is wanted; a call silent for 45 minutes ends."""
        await self._rest.request("POST", f"{self._calls}/{call}/keepAlive", repeatable=True)

    async def hang_up(self, call: GraphCallId) -> None:
        """End the call for everybody."""
        await self._rest.request("DELETE", f"{self._calls}/{call}", repeatable=True, gone_is_done=True)

    async def read(self, call: GraphCallId) -> Sequence[CallEvent]:
        """State and roster as facts marked inferred; one CallEnded when Graph no longer knows the call."""
        try:
            seen = await self._rest.request("GET", f"{self._calls}/{call}", repeatable=True)
            events = call_events({"id": call, **seen}, call, self._tenant, self._region, self._now(), inferred=True)
            if any(isinstance(event, CallEnded) for event in events):
                return events
            return [*events, *await self._roster(call)]
        except PermanentFailure as exc:
            if exc.status != 404:
                raise
        return [CallEnded(at=self._now(), call=call_id(self._tenant, call), graph_id=call, inferred=True)]

    async def _roster(self, call: GraphCallId) -> list[CallEvent]:
        return [roster_event(await self._people(call), call, self._tenant, self._now(), inferred=True)]

    async def _people(self, call: GraphCallId) -> list[Mapping[str, object]]:
        seen = await self._rest.request("GET", f"{self._calls}/{call}/participants", repeatable=True)
        people = seen.get("value")
        return [it for it in people if isinstance(it, Mapping)] if isinstance(people, list) else []

    async def _post(self, call: GraphCallId, action: str, body: dict[str, Any]) -> None:
        await self._rest.request("POST", f"{self._calls}/{call}/{action}", body=body)

    def _media(self, prompt: str) -> dict[str, str]:
        return {
            "@odata.type": "#microsoft.graph.mediaInfo",
            "uri": self._media_uri(prompt),
            # The same name gives the same id, so that Graph plays what it fetched when the call was answered.
            "resourceId": str(uuid.uuid5(_MEDIA, prompt)),
        }


def invited_number(number: str) -> dict[str, Any]:
    """A telephone number as Graph is asked to ring it."""
    identity = {
        "@odata.type": "#microsoft.graph.identitySet",
        "phone": {"@odata.type": "#microsoft.graph.identity", "id": number},
    }
    return {"@odata.type": "#microsoft.graph.invitationParticipantInfo", "identity": identity}


def _invitation(user: str) -> dict[str, Any]:
    identity = {
        "@odata.type": "#microsoft.graph.identitySet",
        "user": {"@odata.type": "#microsoft.graph.identity", "id": user},
    }
    return {"@odata.type": "#microsoft.graph.invitationParticipantInfo", "identity": identity}
