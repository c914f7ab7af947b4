"""Owns why a task is not running or not done, in words and fields. No I/O, no clock.

It says what the read models know, and no more: nothing of other people's tasks or of workers.
"""

from typing import Any

from pydantic_core import from_json

from milepost.records import rfc3339
from milepost_notify.present import eta_ms, liveness
from milepost_notify.rows import TaskRow


def explain(row: TaskRow, now_ms: int) -> dict[str, Any]:
    """The reason as a word for programs (`reason`), as a sentence (`words`), and its figures."""
    reason, words = _reason(row, now_ms)
    if row["cancel_requested_at"] is not None and row["ended_at"] is None:
        words += " Its owner has asked it to stop."
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
        "queue_position": None,
        "liveness": liveness(row, now_ms),
        "eta_at": rfc3339(eta_ms(row, now_ms)),
        "error": None if row["error"] is None else from_json(row["error"]),
    }


def _reason(row: TaskRow, now_ms: int) -> tuple[str, str]:
    status, runs_at = row["status"], row["runs_at"]
    match status:
        case "scheduled" | "retrying" if runs_at is not None and runs_at > now_ms:
            again = "" if status == "scheduled" else f" It has failed {_times(row['failures'])}."
            return status, f"It starts at {rfc3339(runs_at)}.{again}"
        case "scheduled" | "retrying":
            return "due", "It is due and waits for a free worker."
        case "queued" if row["crashes"] and row["attempt"]:
            return "returned", (
                f"Its worker stopped during attempt {row['attempt']}; it waits for another one."
            )
        case "queued" if row["attempt"]:
            return "returned", "Its worker handed it back; it waits for another one."
        case "queued":
            return "queued", f"It waits in the queue {row['queue']} for a free worker."
        case "running" if liveness(row, now_ms) == "quiet":
            return "quiet", (
                f"It runs, and has told nothing since {rfc3339(row['progress_at'])}. "
                "It may still be at work."
            )
        case "running":
            return "running", f"It runs (attempt {row['attempt']})."
        case "succeeded":
            return "succeeded", "It has succeeded."
        case "failed":
            message = from_json(row["error"])["message"] if row["error"] else "It did not work."
            return "failed", f"It has failed: {message}"
        case "cancelled":
            return "cancelled", "It was cancelled."


def _since(row: TaskRow) -> int:
    """When the present state began, as far as the row tells."""
    if row["ended_at"] is not None:
        return row["ended_at"]
    if row["status"] == "running" and row["attempt_started_at"] is not None:
        return row["attempt_started_at"]
    return row["created_at"]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
