"""The first tables of the main database (plain SQL beside this file)."""

from cordpair.store.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(__file__)
