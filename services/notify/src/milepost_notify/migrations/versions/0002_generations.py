"""A generation of rows for each partition, so that each is rebuilt and switched by itself."""

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type

revision = "0002"
down_revision = "0001"
oldest_code = "0002"


def upgrade() -> None:
    """The checkpoint says which generation is served; others have a row until they are gone."""
    served = sa.Column("generation", sa.Integer(), nullable=False, server_default="0")
    op.add_column("notify_checkpoint", served)
    op.drop_table("notify_generation")
    op.create_table(
        "notify_generation",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("position", text_type(), nullable=False),
    )
