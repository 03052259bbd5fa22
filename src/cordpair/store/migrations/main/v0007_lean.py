"""What a fold writes touches fewer indexes, and rows that change in place stay in their page."""

from cordpair.store.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql(__file__)
