"""Why an effect was given up is sealed: the other side's words may quote a person."""

from cordpair.store.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(__file__)
