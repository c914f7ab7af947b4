"""What the recent rate of a running attempt is measured from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
oldest_code = "0004"


def upgrade() -> None:
    """Add the columns; code that does not keep them up would leave milestones of long ago."""
    op.add_column("notify_task", sa.Column("rate_next", sa.Float(), nullable=True))
    op.add_column("notify_task", sa.Column("rate_next_at", sa.BigInteger(), nullable=True))
