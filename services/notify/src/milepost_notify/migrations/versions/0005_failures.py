"""Finding a failure by its reference, for operators."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
oldest_code = "0004"

IS_FAILURE = "type IN ('task.failed', 'task.retrying')"


def upgrade() -> None:
    """Add an index of the few events that are failures."""
    op.create_index(
        "notify_history_failures",
        "notify_history",
        ["position", "partition"],
        sqlite_where=sa.text(IS_FAILURE),
        postgresql_where=sa.text(IS_FAILURE),
    )
