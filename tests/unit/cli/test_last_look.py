"""A storm's last look at a deployment that is down: it ends."""

import time
from collections import Counter

import httpx
import pytest

from milepost_cli.storm import last_look
from milepost_cli.storm.history import History
from milepost_cli.storm.last_look import LastLook
from milepost_cli.storm.owner import Asking, Owner
from milepost_cli.storm.records import Accepted, Answered

NOBODY = "http://127.0.0.1:1"
TASKS = [f"t{number}" for number in range(40)]


async def test_who_gives_no_history_at_all_is_not_asked_for_each_for_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(last_look, "INSIST_SECONDS", 0.3)
    monkeypatch.setattr(last_look, "TRY_SECONDS", 0.05)
    history, owner = History(time.monotonic), Owner(0, "", {})
    for task in TASKS:
        history.add(Accepted(0, 0, task, task, "r1"))
    async with httpx.AsyncClient() as http:
        look = LastLook(Asking(http, NOBODY, history, "down"), [owner], [])
        await look.record(history.now())
    records = [each for each in history.records if isinstance(each, Answered)]
    asked = Counter(each.task for each in records if each.call == "events")
    insisted = {task for task, times in asked.items() if times > 1}
    assert asked.keys() == set(TASKS)
    assert 1 <= len(insisted) <= last_look.AT_ONCE
