"""Earlier versions of a setup, and what a setup says of the organisation beyond the columns."""

from cordpair.store.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql(__file__)
