"""Keys that open what Microsoft encrypts in its change notifications."""

from cordpair.store.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql(__file__)
