"""Which build of a worker ran a task, for operators."""

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type

revision = "0006"
down_revision = "0005"
oldest_code = "0004"


def upgrade() -> None:
    """Add the column; rows of older code have none."""
    op.add_column("notify_task", sa.Column("build", text_type(), nullable=True))
