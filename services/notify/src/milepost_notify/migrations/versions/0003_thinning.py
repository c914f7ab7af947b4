"""What thinning has to know of a running attempt."""

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type

revision = "0003"
down_revision = "0002"
oldest_code = "0003"


def upgrade() -> None:
    """Add the columns; code that does not keep them up would have the wrong events thinned."""
    op.add_column("notify_task", sa.Column("progress_from", sa.Integer(), nullable=True))
    op.add_column("notify_task", sa.Column("progress_position", text_type(), nullable=True))
