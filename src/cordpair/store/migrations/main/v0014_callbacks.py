"""Calls that are owed: kept places and missed calls."""

from cordpair.store.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql(__file__)
