"""Checkpoints, the history, and the read models made from it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from milepost_service.columns import text_type

revision = "0001"
down_revision = None
oldest_code = "0001"


def _text(name: str, *, null: bool = False, key: bool = False) -> Any:
    return sa.Column(name, text_type(), nullable=null, primary_key=key)


def _whole(name: str, *, null: bool = False, key: bool = False) -> Any:
    return sa.Column(name, sa.Integer(), nullable=null, primary_key=key, autoincrement=False)


def _big(name: str, *, null: bool = False) -> Any:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _number(name: str, *, null: bool = False) -> Any:
    return sa.Column(name, sa.Float(), nullable=null)


def _flag(name: str) -> Any:
    return sa.Column(name, sa.Boolean(), nullable=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "notify_checkpoint",
        _whole("partition", key=True),
        *map(_text, ("log_id",)),
        _whole("era"),
        *map(_text, ("position", "retained")),
    )
    generation = op.create_table("notify_generation", _whole("id", key=True), _whole("number"))
    op.bulk_insert(generation, [{"id": 1, "number": 0}])
    op.create_table(
        "notify_history",
        _whole("partition", key=True),
        _text("position", key=True),
        *map(_text, ("owner", "task_id", "type")),
        *map(_whole, ("v", "attempt")),
        _big("at_ms"),
        *map(_text, ("by_kind", "by_id")),
        _text("trace", null=True),
        _whole("n", null=True),
        _text("data"),
    )
    op.create_index("notify_history_task", "notify_history", ["owner", "task_id", "position"])
    op.create_table(
        "notify_task",
        _whole("generation", key=True),
        _text("owner", key=True),
        _text("id", key=True),
        *map(_text, ("position", "created_position")),
        _text("ended_position", null=True),
        *map(_text, ("type", "title", "tags", "queue", "priority", "status")),
        _number("progress"),
        _flag("indeterminate"),
        *(_text(name, null=True) for name in ("message", "step")),
        *(_number(name, null=True) for name in ("done", "total")),
        *map(_whole, ("attempt", "failures", "crashes", "progress_count", "children_count")),
        *(_text(name, null=True) for name in ("worker", "error", "result")),
        *map(_flag, ("result_omitted", "dismissed", "read")),
        *(_text(name, null=True) for name in ("retry_of", "parent")),
        _number("quiet_after_seconds"),
        _big("created_at"),
        *(
            _big(f"{name}_at", null=True)
            for name in (
                "runs", "started", "attempt_started", "progress", "ended", "cancel_requested"
            )
        ),
        _number("rate_from", null=True),
        _big("rate_from_at", null=True),
    )  # fmt: skip
    op.create_index(
        "notify_task_newest", "notify_task", ["generation", "owner", "created_position"]
    )
    op.create_table(
        "notify_notification",
        _whole("generation", key=True),
        *(_text(name, key=True) for name in ("owner", "name", "task_id")),
        _text("position"),
        _whole("ordinal"),
        _big("timestamp_ms"),
        _big("number", null=True),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "notify_notification_place",
        "notify_notification",
        ["generation", "owner", "position", "ordinal"],
    )
    op.create_table(
        "notify_inbox",
        _whole("generation", key=True),
        _text("owner", key=True),
        _whole("unread"),
        *map(_text, ("read_until", "position")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notify_parked",
        _whole("partition", key=True),
        _text("position", key=True),
        *map(_text, ("owner", "task_id", "reason", "fields")),
    )
