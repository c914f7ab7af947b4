"""Owns the tables of notify and what each column means. Runs no statement.

The columns of history, task, notification, inbox and parked are the fields of the rows in `rows`
and `archive`, described there; a test holds them together. Text compares and sorts byte for byte.
No column limits a length: that is the write side's part, and what is in the log has to fit.
"""

from typing import Any, cast

from sqlalchemy import BigInteger, Index, Table, literal_column, text
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import Field, SQLModel

from milepost_service.columns import compare_bytewise
from milepost_service.schemas import Schema

SCHEMA = Schema("notify", "milepost_notify")

_CLUSTERED = {"sqlite_with_rowid": False}
"""For short rows: the primary key is the table, one tree less to write."""


_IS_FAILURE = "type IN ('task.failed', 'task.retrying')"


def _number_key() -> Any:
    return Field(primary_key=True, sa_column_kwargs={"autoincrement": False})


def _ms(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


class NotifyTable(SQLModel, registry=registry()):
    """Base of every table here: metadata of its own, apart from other services' in the process."""

    @declared_attr  # pyright: ignore[reportArgumentType]  # SQLAlchemy's type of it is narrower
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # the same
        """`notify_` and the class' name: CheckpointTable is notify_checkpoint."""
        return "notify_" + cls.__name__.removesuffix("Table").lower()


class CheckpointTable(NotifyTable, table=True):
    """How far each partition has been projected."""

    partition: int = _number_key()
    log_id: str
    """Random name of the log: another one is another log."""
    era: int
    """Raised when positions were taken back or told anew."""
    position: str
    """The last log entry contained."""
    retained: str
    """Up to here retention may have removed rows: older cursors are too old."""
    generation: int
    """The set of task, notification and inbox rows that is served and kept up to date."""


class GenerationTable(NotifyTable, table=True):
    """Sets of rows that are not served: one being made by a rebuild, or left to be removed."""

    number: int = _number_key()
    partition: int
    retired: bool
    """Nobody reads it any more: its rows are to be removed."""
    era: int
    """Of the checkpoint when it was begun: history told anew makes it worthless."""
    position: str
    """The last history row contained."""


class HistoryTable(NotifyTable, table=True):
    """The archive: every event, as the log had it. `archive.HistoryRow`."""

    __table_args__ = (
        Index("notify_history_task", "owner", "task_id", "position"),
        # For operators, who look one up by its reference; most events are none and cost nothing.
        Index(
            "notify_history_failures",
            "position",
            "partition",
            sqlite_where=text(_IS_FAILURE),
            postgresql_where=text(_IS_FAILURE),
        ),
    )

    partition: int = _number_key()
    position: str = Field(primary_key=True)
    owner: str
    task_id: str
    type: str
    v: int
    attempt: int
    at_ms: int = _ms()
    by_kind: str
    by_id: str
    trace: str | None
    n: int | None
    data: str


class TaskTable(NotifyTable, table=True):
    """Every task as it is now. `rows.TaskRow`."""

    __table_args__ = (Index("notify_task_newest", "generation", "owner", "created_position"),)

    generation: int = _number_key()
    """The set of read models this row belongs to."""
    owner: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    position: str
    created_position: str
    ended_position: str | None
    type: str
    title: str
    tags: str
    queue: str
    priority: str
    status: str
    progress: float
    indeterminate: bool
    message: str | None
    step: str | None
    done: float | None
    total: float | None
    attempt: int
    failures: int
    crashes: int
    progress_count: int
    progress_from: int | None
    progress_position: str | None
    children_count: int
    worker: str | None
    build: str | None
    error: str | None
    result: str | None
    result_omitted: bool
    dismissed: bool
    read: bool
    retry_of: str | None
    parent: str | None
    quiet_after_seconds: float
    created_at: int = _ms()
    runs_at: int | None = _ms()
    started_at: int | None = _ms()
    attempt_started_at: int | None = _ms()
    progress_at: int | None = _ms()
    ended_at: int | None = _ms()
    cancel_requested_at: int | None = _ms()
    rate_from: float | None
    rate_from_at: int | None = _ms()
    rate_next: float | None
    rate_next_at: int | None = _ms()


class NotificationTable(NotifyTable, table=True):
    """The newest of one name about one task, or an owner's all. `rows.NotificationRow`."""

    __table_args__ = (
        Index("notify_notification_place", "generation", "owner", "position", "ordinal"),
        _CLUSTERED,
    )

    generation: int = _number_key()
    owner: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    task_id: str = Field(primary_key=True)
    position: str
    ordinal: int
    timestamp_ms: int = _ms()
    number: int | None = _ms()


class InboxTable(NotifyTable, table=True):
    """What each owner has not seen yet. `rows.InboxRow`."""

    __table_args__ = (_CLUSTERED,)

    generation: int = _number_key()
    owner: str = Field(primary_key=True)
    unread: int
    read_until: str
    position: str


class ParkedTable(NotifyTable, table=True):
    """Events that wait for a replay. `archive.ParkedRow`."""

    partition: int = _number_key()
    position: str = Field(primary_key=True)
    owner: str
    task_id: str
    reason: str
    fields: str


def table_of(model: type[NotifyTable]) -> Table:
    """The Core table of a model, for bulk statements."""
    return cast(Any, model).__table__


METADATA = NotifyTable.metadata
compare_bytewise(METADATA)
checkpoint, generation, history, task, notification, inbox, parked = map(
    table_of,
    (
        CheckpointTable,
        GenerationTable,
        HistoryTable,
        TaskTable,
        NotificationTable,
        InboxTable,
        ParkedTable,
    ),
)

is_failure = history.c.type.in_(
    [literal_column("'task.failed'"), literal_column("'task.retrying'")]
)
"""Word for word what the index of failures is of, else it is not used."""
