"""What each peer has asked for: pauses and lowered rates outlive the node that heard of them."""

from cordpair.store.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql(__file__)
