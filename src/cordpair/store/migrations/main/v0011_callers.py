"""What is known of callers beside the phone index: choices, contacts, trunks."""

from cordpair.store.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql(__file__)
