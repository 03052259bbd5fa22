"""Prompts, and the sounds that they are made of."""

from cordpair.store.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql(__file__)
