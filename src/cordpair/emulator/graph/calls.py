"""Graph's call operations, on top of the exchange."""

import re
import uuid
from typing import Any

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.exchange import Exchange
from cordpair.emulator.graph import results
from cordpair.emulator.graph.app import Answer, Asked, Handlers
from cordpair.emulator.graph.call import Call, Operation, State
from cordpair.emulator.graph.errors import GraphError, bad_request
from cordpair.emulator.graph.media import playing_time

_CALL = "/communications/calls/{call-id}"
_INVITED_AT_ONCE = 5


class CallOperations:
    """Handlers of `/communications/calls`."""

    def __init__(self, cloud: Cloud, exchange: Exchange) -> None:
        self._cloud = cloud
        self._exchange = exchange

    def handlers(self) -> Handlers:
        return {
            ("POST", "/communications/calls"): self.create,
            ("GET", _CALL): self.get,
            ("DELETE", _CALL): self.delete,
            ("POST", f"{_CALL}/answer"): self.answer,
            ("POST", f"{_CALL}/reject"): self.reject,
            ("POST", f"{_CALL}/redirect"): self.redirect,
            ("POST", f"{_CALL}/transfer"): self.transfer,
            ("POST", f"{_CALL}/playPrompt"): self.play_prompt,
            ("POST", f"{_CALL}/subscribeToTone"): self.subscribe_to_tone,
            ("POST", f"{_CALL}/cancelMediaProcessing"): self.cancel_media,
            ("POST", f"{_CALL}/keepAlive"): self.keep_alive,
            ("GET", f"{_CALL}/participants"): self.participants,
            ("GET", f"{_CALL}/participants/{{participant-id}}"): self.participant,
            ("DELETE", f"{_CALL}/participants/{{participant-id}}"): self.remove,
            ("POST", f"{_CALL}/participants/invite"): self.invite,
            ("POST", f"{_CALL}/participants/{{participant-id}}/startHoldMusic"): self.start_hold_music,
            ("POST", f"{_CALL}/participants/{{participant-id}}/stopHoldMusic"): self.stop_hold_music,
            ("GET", f"{_CALL}/operations/{{commsOperation-id}}"): self.operation,
        }

    async def get(self, asked: Asked) -> Answer:
        return Answer(200, self._call(asked).resource())

    async def create(self, asked: Asked) -> Answer:
        """Call one Teams user in the name of a resource account of the application's."""
        targets, source = asked.body.get("targets") or [], (asked.body.get("source") or {}).get("identity") or {}
        account = (source.get("applicationInstance") or {}).get("id")
        queue = next((one for one in asked.tenant.queues if one.resource_account == account), None)
        if queue is None:
            raise GraphError(403, "7504", "The source is no application instance of the application.")
        if len(targets) != 1:
            raise bad_request("Property 'targets' must hold one target.")
        call = self._exchange.place(asked.tenant, queue, _user(targets[0], "targets"), asked.body["callbackUri"])
        return Answer(201, call.resource())

    async def delete(self, asked: Asked) -> Answer:
        self._exchange.hang_up(self._call(asked))
        return Answer(204)

    async def answer(self, asked: Asked) -> Answer:
        call, media = self._call(asked), asked.body["mediaConfig"]
        if media.get("@odata.type", "").lstrip("#") != "microsoft.graph.serviceHostedMediaConfig":
            raise GraphError(403, "7505", "Only service-hosted media without Calls.AccessMedia.All.")
        if not asked.body["callbackUri"].startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise bad_request("Property 'callbackUri' must be an https address.")
        self._exchange.answer(call, asked.body["callbackUri"])
        for one in media.get("preFetchMedia") or []:
            self._cloud.clock.spawn(self._fetch(one["uri"]))
        return Answer(202)

    async def reject(self, asked: Asked) -> Answer:
        if asked.body.get("reason") not in (None, "none", "busy", "forbidden"):
            raise bad_request("Property 'reason' must be none, busy or forbidden.")
        self._exchange.reject(self._call(asked))
        return Answer(202)

    async def redirect(self, asked: Asked) -> Answer:
        users = [_user(target, "targets") for target in asked.body["targets"]]
        if len(users) != 1:
            raise bad_request("Property 'targets' must hold one target.")
        self._exchange.redirect(self._call(asked), users[0])
        return Answer(202)

    async def transfer(self, asked: Asked) -> Answer:
        self._exchange.transfer(self._call(asked), *_somebody(asked.body["transferTarget"], "transferTarget"))
        return Answer(202)

    async def play_prompt(self, asked: Asked) -> Answer:
        call, prompts = self._call(asked), asked.body["prompts"]
        if call.state is not State.ESTABLISHED:
            raise GraphError(409, "Conflict", f"The call is in state {call.state}.")
        if len(prompts) != 1:
            raise bad_request("Property 'prompts' must hold one prompt.")
        operation = self._operation(call, "playPromptOperation", asked)
        self._cloud.clock.spawn(self._play(call, operation, prompts[0]["mediaInfo"]["uri"]))
        return self._running(call, operation, 200)

    async def subscribe_to_tone(self, asked: Asked) -> Answer:
        call = self._call(asked)
        call.wants_tones = True
        operation = self._operation(call, "subscribeToToneOperation", asked)
        operation.status, operation.result = "completed", results.DONE
        return self._running(call, operation, 200)

    async def cancel_media(self, asked: Asked) -> Answer:
        """What plays ends now; so does what was asked for and has not begun."""
        call = self._call(asked)
        for playing in list(call.operations.values()):
            if playing.kind == "playPromptOperation" and playing.status == "running":
                self._exchange.operation_over(call, playing, results.MEDIA_CANCELLED)
        operation = self._operation(call, "cancelMediaProcessingOperation", asked)
        operation.status, operation.result = "completed", results.DONE
        return self._running(call, operation, 200)

    async def keep_alive(self, asked: Asked) -> Answer:
        self._exchange.keep_alive(self._call(asked))
        return Answer(200)

    async def participants(self, asked: Asked) -> Answer:
        return Answer(200, self._call(asked).roster())

    async def participant(self, asked: Asked) -> Answer:
        found = next((p for p in self._call(asked).roster() if p["id"] == asked.ids[1]), None)
        if found is None:
            raise GraphError(404, "8539", "Participant not found.")
        return Answer(200, found)

    async def remove(self, asked: Asked) -> Answer:
        self._exchange.remove(self._call(asked), asked.ids[1])
        return Answer(204)

    async def invite(self, asked: Asked) -> Answer:
        call, wanted = self._call(asked), asked.body["participants"]
        most = _INVITED_AT_ONCE if call.is_group else 1
        if not 1 <= len(wanted) <= most:
            raise bad_request(f"Property 'participants' must hold 1 to {most} participants.")
        users = [(*_somebody(one, "participants"), one.get("participantId") or str(uuid.uuid4())) for one in wanted]
        if any(pid in call.rings or pid in call.participants for _, _, pid in users):
            raise GraphError(409, "Conflict", "A participant of that id is in the call already.")
        operation = Operation("inviteParticipantsOperation", context=asked.body.get("clientContext"))
        operation.extra = {"participants": wanted}
        self._exchange.invite(call, users, operation)
        return self._running(call, operation, 200)

    async def start_hold_music(self, asked: Asked) -> Answer:
        return self._hold(asked, on=True)

    async def stop_hold_music(self, asked: Asked) -> Answer:
        return self._hold(asked, on=False)

    def _hold(self, asked: Asked, *, on: bool) -> Answer:
        call = self._call(asked)
        kind = "startHoldMusicOperation" if on else "stopHoldMusicOperation"
        operation = Operation(kind, context=asked.body.get("clientContext"))
        self._exchange.hold(call, asked.ids[1], operation, on=on)
        return self._running(call, operation, 200)

    async def operation(self, asked: Asked) -> Answer:
        found = self._call(asked).operations.get(asked.ids[1])
        if found is None:
            raise GraphError(404, "8523", "Operation not found.")
        return Answer(200, found.resource())

    def _call(self, asked: Asked) -> Call:
        return self._exchange.get(asked.tenant, asked.ids[0])

    def _operation(self, call: Call, kind: str, asked: Asked) -> Operation:
        operation = Operation(kind, context=asked.body.get("clientContext"))
        call.operations[operation.id] = operation
        return operation

    def _running(self, call: Call, operation: Operation, status: int) -> Answer:
        body: dict[str, Any] = operation.resource()
        # REST answers spell the status as the metadata does, notifications in lower case.
        body["status"] = body["status"].capitalize()
        return Answer(status, body, f"/communications/calls/{call.id}/operations/{operation.id}")

    async def _fetch(self, uri: str) -> None:
        await playing_time(self._cloud, uri)

    async def _play(self, call: Call, operation: Operation, uri: str) -> None:
        seconds = await playing_time(self._cloud, uri)
        if seconds is not None:
            await self._cloud.clock.sleep(seconds)
        if not call.is_over and operation.status == "running":
            self._exchange.operation_over(call, operation, results.BAD_MEDIA if seconds is None else results.DONE)


def _somebody(participant: dict[str, Any], where: str) -> tuple[str, str | None]:
    """A Teams user, or a telephone by its number in E.164."""
    number = (participant["identity"].get("phone") or {}).get("id")
    if number is None:
        return _user(participant, where), None
    if not isinstance(number, str) or not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise bad_request(f"Property '{where}.identity.phone.id' must be a number in E.164.")
    return "", number


def _user(participant: dict[str, Any], where: str) -> str:
    user = (participant["identity"].get("user") or {}).get("id")
    if not isinstance(user, str) or not user:
        raise bad_request(f"Property '{where}.identity.user.id' is missing: only Teams users can be rung here.")
    return user.lower()
