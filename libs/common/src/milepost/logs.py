"""Owns how log lines look: a fixed message and fields, as text or JSON. Sends them nowhere.

Use the standard library: `logging.getLogger(__name__).info("task started", extra={"action": ...})`.
No payloads and no secrets in fields.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from milepost.running import running
from milepost.trace_context import here
from milepost.traces import ids

TOO_TALKATIVE = ("httpx", "httpcore")
"""They write down every URL whole, a link of an export with what makes it one."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message", "asctime", "taskName", "color_message",  # the last is uvicorn's, for terminals
}  # fmt: skip


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What was said along with the message, and for which task and in which trace it was said."""
    said = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
    task = running.get()
    if task is not None:
        said = {"task_id": task.id, "type": task.type, "attempt": task.attempt} | said
    if "trace_id" not in said:
        said |= ids(here.get() if task is None else task.trace)
    return said


def _shown(value: object) -> str:
    """A value that cannot be taken for another field, nor begin another line."""
    text = str(value)
    if text.isprintable() and not set(text) & {" ", '"', "="}:
        return text
    return json.dumps(text)


class TextFormatter(logging.Formatter):
    """`12:00:00.000 INFO  milepost_worker task started task_id=...`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, plus the traceback where there is one."""
        moment = datetime.fromtimestamp(record.created, UTC)
        fields = "".join(f" {key}={_shown(value)}" for key, value in _fields(record).items())
        line = (
            f"{moment:%H:%M:%S}.{int(record.msecs):03d} {record.levelname:<7} "
            f"{record.name} {record.getMessage()}{fields}"
        )
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, of the same form in every process; `docs/observability.md` has it."""

    def __init__(self, service: str) -> None:
        """Say in each line that it is of `service`."""
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; values JSON does not know are written as text."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(log_format: Literal["text", "json"], service: str, level: int = logging.INFO) -> None:
    """Send everything of this process to standard error in one form. Call once, from `main`.

    Args:
        service: which one it is, for JSON lines.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
