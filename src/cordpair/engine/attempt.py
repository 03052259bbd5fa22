"""Which try of an effect this is."""

import msgspec


class Attempt(msgspec.Struct, frozen=True):
    """`number` counts from 1. `repeat` says that an earlier attempt may have been carried out."""

    number: int
    repeat: bool
