"""What usernames look like, so that no two look alike."""

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type
from milepost_submit.usernames import skeleton

revision = "0003"
down_revision = "0002"
oldest_code = "0001"


def upgrade() -> None:
    """Add the column. Of accounts that look alike already, the first has the look."""
    op.add_column("submit_account", sa.Column("skeleton", text_type(), nullable=True))
    accounts = sa.table(
        "submit_account", sa.column("folded"), sa.column("username"), sa.column("skeleton")
    )
    connection = op.get_bind()
    order = sa.text("created_at, folded")
    found = connection.execute(
        sa.select(accounts.c.folded, accounts.c.username).order_by(order)
    ).all()
    taken: set[str] = set()
    for folded, username in found:
        look = skeleton(username)
        if look not in taken:
            taken.add(look)
            mine = sa.update(accounts).where(accounts.c.folded == folded)
            connection.execute(mine.values(skeleton=look))
    op.create_index("ix_submit_account_skeleton", "submit_account", ["skeleton"], unique=True)
