"""The audit trail: records of privileged actions, the chain of their commitments, its signed head and checkpoints."""

from cordpair.store.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(__file__)
