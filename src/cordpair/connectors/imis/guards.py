"""The duplicate guard: a short text in a column that nobody else writes, by which our own row is found again."""

import base64
import hashlib

from cordpair.connectors.imis.columns import Columns
from cordpair.errors import PermanentFailure

_WIDTH = 10


def guard(key: str) -> str:
    """Ten characters that stand for `key`, compared case aside.

    Columns of these tables differ in width from one installation to the next and some hold no more than ten
    characters; a text that is cut on writing is not found again, and the call would be logged twice. Fifty bits
    are enough, since they are looked up among the rows of one party only.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=10).digest()
    return base64.b32encode(digest).decode()[:_WIDTH]


def guard_column(wanted: str, columns: Columns, setting: str) -> str:
    """The column as it is spelled here. Raises PermanentFailure, naming the `setting`, when it cannot hold a guard."""
    column = columns.find(wanted)
    if column is None:
        raise PermanentFailure(f"iMIS: there is no column {wanted}: choose another {setting}")
    if column.width is not None and column.width < _WIDTH:
        why = f"the column {wanted} holds {column.width} characters and {_WIDTH} are needed"
        raise PermanentFailure(f"iMIS: {why}: choose another {setting}")
    return column.name
