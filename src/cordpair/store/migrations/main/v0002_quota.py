"""Limits and the end of the secret of an app registration, and who gets calls that may not be taken."""

from cordpair.store.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(__file__)
