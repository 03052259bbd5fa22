"""People as outside systems hold them: parties of a CRM, and where an agent is reached in Teams."""

from datetime import datetime

import msgspec

from cordpair.core.ids import PartyRef


class StoredPhone(msgspec.Struct, frozen=True, kw_only=True):
    """A number as the CRM holds it: free text, and the label that stands beside it."""

    raw: str
    label: str = ""


class PartyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A party of a CRM. `region` is the ISO country that its national numbers belong to, if known.

    `owner` is who looks after it, as the CRM writes that; `open_case` whether something is under way for it.
    """

    ref: PartyRef
    name: str
    company: str = ""
    phones: tuple[StoredPhone, ...] = ()
    region: str | None = None
    is_organization: bool = False
    updated_at: datetime | None = None
    owner: str = ""
    open_case: bool = False


class ChatReference(msgspec.Struct, frozen=True, kw_only=True):
    """Where an agent's 1:1 chat with the bot is reached.

    `locale` is the language of the agent's Teams client, empty while the client has not said it.
    """

    conversation: str
    service_url: str
    locale: str = "en"
