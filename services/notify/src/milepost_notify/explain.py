"""Owns why a task is not running or not done, in words and fields. No I/O, no clock.

It says what the read models and the log's live side know, and no more: of other people's tasks
nothing but how many, of workers nothing but whether they are there.
"""

from typing import Any

from pydantic_core import from_json

from milepost.records import rfc3339
from milepost.task_state import MAX_CRASHES
from milepost_notify.present import eta_ms, liveness
from milepost_notify.rows import TaskRow
from milepost_notify.standing import UNKNOWN, Standing, has_ended, is_lost, queue_position

SUSPECT = MAX_CRASHES - 1
"""Tasks that lost so many workers run alone (ADR 0025)."""

Reason = tuple[str, str]
"""A word for programs and a sentence for people."""


def explain(row: TaskRow, now_ms: int, standing: Standing = UNKNOWN) -> dict[str, Any]:
    """The reason as a word for programs (`reason`), as a sentence (`words`), and its figures."""
    reason, words = _reason(row, now_ms, standing)
    if row["cancel_requested_at"] is not None and row["ended_at"] is None:
        words += " It was asked to stop."
    lost = is_lost(row, standing)
    return {
        "id": row["id"],
        "status": row["status"],
        "reason": reason,
        "words": words,
        "since": rfc3339(_since(row)),
        "runs_at": rfc3339(row["runs_at"]),
        "attempt": row["attempt"],
        "failures": row["failures"],
        "crashes": row["crashes"],
        "queue": row["queue"],
        "queue_position": queue_position(row, standing),
        "no_worker_since": rfc3339(standing.missing_since) if reason == "no_worker" else None,
        "paused_since": rfc3339(standing.paused_since) if reason == "paused" else None,
        "vanished_at": rfc3339(standing.vanished_at) if lost else None,
        "liveness": liveness(row, now_ms, standing),
        "eta_at": rfc3339(eta_ms(row, now_ms)),
        "error": None if row["error"] is None else from_json(row["error"]),
    }


def _reason(row: TaskRow, now_ms: int, standing: Standing) -> Reason:
    if has_ended(row, standing):
        return "ended_elsewhere", (
            f"It has ended ({standing.status}), and its end has not arrived here. Should that stay "
            "so, a part of the log was lost: an operator puts it right by `./milepost reconcile`."
        )
    match row["status"]:
        case "scheduled" | "retrying" if row["runs_at"] is not None and row["runs_at"] > now_ms:
            again = "" if row["status"] == "scheduled" else f" {_failures(row)}"
            return row["status"], f"It starts at {rfc3339(row['runs_at'])}.{again}"
        case "scheduled" | "retrying":
            return _waiting(row, standing, "due", "It is due.")
        case "queued" if row["crashes"] and row["attempt"]:
            vanished = (
                f"Its worker vanished during attempt {row['attempt']}, which was found out at "
                f"{rfc3339(_since(row))}."
            )
            return _waiting(row, standing, "returned", vanished)
        case "queued" if row["attempt"]:
            return _waiting(row, standing, "returned", "Its worker handed it back.")
        case "queued":
            return _waiting(row, standing, "queued", "")
        case "running":
            return _running(row, now_ms, standing)
        case "succeeded":
            return "succeeded", "It has succeeded."
        case "failed":
            message = from_json(row["error"])["message"] if row["error"] else "It did not work."
            return "failed", f"It has failed: {message}"
        case "cancelled":
            return "cancelled", "It was cancelled."


def _waiting(row: TaskRow, standing: Standing, reason: str, first: str) -> Reason:
    """Why a task that is ready has no worker yet; `first` is what led to that."""
    word, words = reason, f"It waits in the queue {row['queue']} for a free worker."
    if standing.paused:
        return "paused", f"{first} {_paused(row, standing)}".strip()
    if standing.missing:
        what = (
            f"the type {row['type']}" if standing.missing == "type" else f"the queue {row['queue']}"
        )
        since = standing.missing_since
        when = "" if since is None else f" since {rfc3339(since)}"
        word, words = "no_worker", f"No live worker offers {what}{when}."
    elif standing.waits == "own":
        word = "own_limit"
        words = (
            f"{_before(standing.ahead)} Only so many tasks of one owner stand in the queue at a "
            "time: it waits for others of the same owner."
        )
    elif standing.waits == "limit":
        word = "own_limit"
        words = "As many tasks of this type run as one owner may have at a time: it waits for them."
    elif standing.waits == "alone":
        word = "runs_alone"
        words = (
            "Two workers vanished while they ran it, so it runs with nothing beside it: it waits "
            "for a worker that has nothing else to do."
        )
    elif standing.waits == "aside":
        word = "no_room"
        words = (
            "Workers that take its type run as many of it as they may at a time, or have no free "
            "place: it waits for one of them."
        )
    elif queue_position(row, standing) is not None:
        words = f"{_before(standing.ahead)} It waits for a free worker."
    if standing.suspects and standing.waits in ("stream", "own"):
        words += (
            " A worker takes nothing new meanwhile: it runs a task alone, with which two workers "
            "vanished, or makes place for it."
        )
    return word, f"{first} {words}".strip()


def _paused(row: TaskRow, standing: Standing) -> str:
    """Who it was is for operators alone."""
    what = f"The queue {row['queue']}"
    if standing.paused == "type":
        what = f"The type {row['type']}"
    words = f"{what} is paused by an operator since {rfc3339(standing.paused_since)}"
    return f"{words}: {standing.paused_reason}" if standing.paused_reason else f"{words}."


def _running(row: TaskRow, now_ms: int, standing: Standing) -> Reason:
    match liveness(row, now_ms, standing):
        case "lost":
            at = standing.vanished_at
            when = "is gone" if at is None else f"vanished at {rfc3339(at)}"
            return "lost", f"Its worker {when}. Another one will take it over."
        case "quiet":
            return "quiet", (
                f"It runs, and has told nothing since {rfc3339(row['progress_at'])}. "
                "It may still be at work."
            )
        case _:
            alone = row["crashes"] >= SUSPECT
            beside = ", with nothing beside it, since two workers vanished with it" if alone else ""
            return "running", f"It runs (attempt {row['attempt']}){beside}."


def _since(row: TaskRow) -> int:
    """When the present state began, as far as the row tells."""
    if row["ended_at"] is not None:
        return row["ended_at"]
    if row["status"] == "running" and row["attempt_started_at"] is not None:
        return row["attempt_started_at"]
    if row["attempt"]:
        # What took the last attempt from it was its last event; positions begin with the time.
        return int(row["position"][:16], 16)
    return row["created_at"]


def _before(ahead: int | None) -> str:
    if not ahead:
        return "It is the next in its queue."
    return f"About {ahead} {'task is' if ahead == 1 else 'tasks are'} before it in its queue."


def _failures(row: TaskRow) -> str:
    count = row["failures"]
    return f"It has failed {'once' if count == 1 else f'{count} times'}."
