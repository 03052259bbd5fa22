"""Migrations of the main and the key database: Alembic revisions whose work is plain SQL in a file of the same name."""

from pathlib import Path

from alembic import op


def run_sql(revision_file: str) -> None:
    """Run the `.sql` file beside a revision, statement by statement, in Alembic's transaction."""
    connection = op.get_bind()
    for statement in statements(Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")):
        connection.exec_driver_sql(statement)


def statements(sql: str) -> list[str]:
    """Split at semicolons that end a line, but not inside a `$$` body."""
    found: list[str] = []
    current: list[str] = []
    for line in sql.splitlines():
        current.append(line)
        if line.rstrip().endswith(";") and "\n".join(current).count("$$") % 2 == 0:
            found.append("\n".join(current))
            current = []
    return found
