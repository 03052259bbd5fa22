"""Flows and their steps: work that outlives its process."""

from cordpair.store.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql(__file__)
