"""Owns the form of exports: a task as a line of CSV or JSON. Pure.

What a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV Injection):
people choose titles and tags, and open other people's text with a click.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from milepost.exports import Format
from milepost.records import rfc3339
from milepost_notify.rows import TaskRow

Json = dict[str, Any]

COLUMNS = (
    "id", "type", "title", "tags", "status", "attempt", "failures", "created_at", "runs_at",
    "started_at", "ended_at", "error_code", "error", "reference", "result", "params", "retry_of",
    "parent",
)  # fmt: skip
"""No progress and no message: of those the history keeps some alone, and a file made twice is to be
the same."""

_FORMULA = re.compile(r"[\s\x00]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[ \x00]*[\t\r\n]")
"""Also the wide forms, which some spreadsheets take for the narrow ones."""

MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def record(row: TaskRow, params: Json, result: Any) -> Json:
    """A task, by the columns."""
    error: Json = {} if row["error"] is None else from_json(row["error"])
    return {
        "id": row["id"],
        "type": row["type"],
        "title": row["title"],
        "tags": from_json(row["tags"]),
        "status": row["status"],
        "attempt": row["attempt"],
        "failures": row["failures"],
        "created_at": rfc3339(row["created_at"]),
        "runs_at": rfc3339(row["runs_at"]),
        "started_at": rfc3339(row["started_at"]),
        "ended_at": rfc3339(row["ended_at"]),
        "error_code": error.get("code"),
        "error": error.get("message"),
        "reference": error.get("reference"),
        "result": result,
        "params": params,
        "retry_of": row["retry_of"],
        "parent": row["parent"],
    }


def head(form: Format) -> bytes:
    """What a file begins with."""
    return b"[" if form == "json" else _line(COLUMNS).removesuffix("\r\n").encode()


def rows(form: Format, records: Sequence[Json], *, first: bool) -> bytes:
    """Some tasks; `first`: none stands before them."""
    return _ROWS[form](records, first)


def tail(form: Format) -> bytes:
    """What a file ends with."""
    return b"\n]\n" if form == "json" else b"\r\n"


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; its line breaks are line feeds."""
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _FORMULA.match(cell) else text


def _csv(records: Sequence[Json], _first: bool) -> bytes:
    lines = (_line([safe(_cell(each[name])) for name in COLUMNS]) for each in records)
    return "".join(f"\r\n{line.removesuffix(chr(13) + chr(10))}" for line in lines).encode()


def _json(records: Sequence[Json], first: bool) -> bytes:
    told = b",".join(b"\n" + to_json(each, inf_nan_mode="null") for each in records)
    return told if first or not records else b"," + told


_ROWS: dict[Format, Callable[[Sequence[Json], bool], bytes]] = {"csv": _csv, "json": _json}


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return to_json(value, inf_nan_mode="null").decode()
