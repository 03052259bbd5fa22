"""Webhooks to other systems, and what is delivered to each."""

from cordpair.store.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql(__file__)
