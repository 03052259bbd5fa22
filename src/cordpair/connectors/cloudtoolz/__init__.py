"""Any workflow platform, CloudToolz among them: signed messages (Standard Webhooks) with CloudEvents in them."""

from cordpair.connectors.cloudtoolz.messages import PROFILES, Message, message_of
from cordpair.connectors.cloudtoolz.signatures import new_secret, sign, verified

__all__ = ["PROFILES", "Message", "message_of", "new_secret", "sign", "verified"]
