"""Sessions, so that they can be revoked, and personal access tokens."""

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type

revision = "0002"
down_revision = "0001"
oldest_code = "0001"


def upgrade() -> None:
    """Make the tables. Older code signs in without a session, whose cookies newer code refuses."""
    op.create_table(
        "submit_session",
        sa.Column("id", text_type(), primary_key=True),
        sa.Column("owner", text_type(), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "submit_access_token",
        sa.Column("id", text_type(), primary_key=True),
        sa.Column("digest", text_type(), nullable=False, unique=True),
        sa.Column("owner", text_type(), nullable=False, index=True),
        sa.Column("name", text_type(), nullable=False),
        sa.Column("scopes", text_type(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
    )
