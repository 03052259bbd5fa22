"""Priorities and delays of an agent's queues, and their attributes."""

from cordpair.store.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(__file__)
