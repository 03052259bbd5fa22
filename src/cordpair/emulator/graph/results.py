"""How calls and invites end: Graph's resultInfo codes, with where each is known from.

[graph] microsoft-graph-docs-contrib, call-delete.md, "Call end reason codes"
[acs]   azure-docs, Communication Services, "Troubleshooting call end response codes" (the same service behind it)
[sip]   no source for Graph found; the SIP code that says the same
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    code: int
    subcode: int
    message: str

    def info(self) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.resultInfo",
            "code": self.code,
            "subcode": self.subcode,
            "message": self.message,
        }


# Calls.
CALLER_LEFT = Result(200, 560000, "Call ended by the PSTN user.")  # [graph]
CALLED_LEFT = Result(200, 5300, "The called user has left the call.")  # [graph]
CALLER_GAVE_UP = Result(487, 0, "The caller cancelled the call.")  # [acs] 0/487
NOT_ANSWERED_BY_BOT = Result(408, 10057, "Call timed out due to no signaling from callee endpoints.")  # [graph]
ENDED_BY_BOT = Result(200, 7000, "The conversation has ended by bot.")  # [graph]
REJECTED_BY_BOT = Result(603, 0, "Call was declined by the callee.")  # [acs] 0/603
REDIRECTED = Result(200, 5003, "The conversation has ended.")  # [graph]
KEEP_ALIVE_MISSED = Result(408, 8537, "Keep Alive timeout, cleaned up inactive call.")  # [graph]
CALLER_REMOVED = Result(200, 5300, "Participant was removed from the conversation by another participant.")  # [graph]
TRANSFERRED = Result(0, 7015, "Call ended as the transfer completed successfully.")  # [graph]
TRANSFER_FAILED = Result(500, 7000, "Call transfer failed.")  # Graph sample notifications of a failed transfer

# Invites.
DECLINED = Result(603, 0, "The callee declined the invite.")  # [acs] 0/603
RANG_OUT = Result(487, 10004, "No callee endpoint accepted the call in time.")  # [acs]; after 60 s, see calls.py
BUSY = Result(486, 10002, "The callee is busy.")  # [acs] [sip]
NO_ENDPOINTS = Result(480, 10037, "No callee endpoints were found.")  # [graph]
UNKNOWN_USER = Result(404, 0, "The callee was not found.")  # [sip]
WITHDRAWN = Result(487, 0, "The invite was cancelled.")  # [acs] 0/487
CALL_OVER = Result(487, 5003, "The conversation has ended.")  # [graph]

# Other operations.
DONE = Result(200, 0, "Action completed successfully.")
MEDIA_CANCELLED = Result(400, 8508, "Action failed, the operation was cancelled.")  # [acs]
BAD_MEDIA = Result(
    400, 8503, "The media could not be fetched, or is not WAV 16 kHz mono 16-bit PCM."
)  # [acs] play failed
