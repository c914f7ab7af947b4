"""What a task's live state holds once it has ended: what a retry needs, and no more."""

import pytest

from log_probe import LogProbe
from milepost_log.attempts import Outcome
from milepost_log.connection import connect
from milepost_log.work import WorkLog

LARGE = "x" * 100_000


@pytest.mark.parametrize("kind", ["succeeded", "failed", "cancelled"])
async def test_params_stay_only_where_the_task_may_be_run_again(
    log: LogProbe, valkey_url: str, namespace: str, kind: str
):
    task = await log.create("sample.noop", params=LARGE)
    with connect(valkey_url) as client:
        work = WorkLog(client, namespace, "w", ["default"])
        [started] = work.take(0, 1, holding=False).tasks
        data = '{"error":{"code":"e","message":"m","reference":"r"}}' if kind == "failed" else "{}"
        work.finish(0, [Outcome(started, kind, data)])  # pyright: ignore[reportArgumentType]  # one of its kinds
        key = started_key(namespace, started.owner_hash, task)
        memory = int(client.memory_usage(key) or 0)  # pyright: ignore  # untyped
    request = await log.commands.request_of("bob", task)
    assert request is not None
    status, made = request
    assert status == kind
    if kind == "succeeded":
        assert (made, memory < 2000) == (None, True)
    else:
        assert made is not None
        assert made.params == {"params": LARGE}


def started_key(namespace: str, owner_hash: str, task: str) -> str:
    return f"{{{namespace}:0}}:task:{owner_hash}:{task}"
