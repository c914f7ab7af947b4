"""Accounts of people who sign in here."""

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type

revision = "0001"
down_revision = None
oldest_code = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "submit_account",
        sa.Column("folded", text_type(), primary_key=True),
        sa.Column("username", text_type(), nullable=False, unique=True),
        sa.Column("password_hash", text_type(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
