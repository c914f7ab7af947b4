"""An export is its owner's history at one moment: the same file however often, to him alone."""

import csv
import io
import time
from typing import Any

import httpx
import pytest

from databases import ON_BOTH
from histories import created
from milepost import events as e
from milepost.cursors import Cursor
from milepost.exports import ROW_STARTS, Export, Format, ticket
from milepost_notify import exporting
from milepost_notify.export_rows import COLUMNS
from notify_surroundings import SECRET, Person, Scribe, task_id

pytestmark = ON_BOTH
PROBLEM = e.Problem(code="failed", message="=HYPERLINK(1)", reference="r1")
FORMATS: list[Format] = ["csv", "json"]


def link(until: Cursor, form: Format = "json", owner: str = "bob", seconds: float = 60) -> str:
    return f"/exports/{ticket(Export(owner, form, until, time.time() + seconds), SECRET)}"


async def history(log: Scribe, bob: Person, count: int) -> tuple[list[str], Cursor]:
    """Tasks of several fates; their ids, newest first, and the last event."""
    made, last = list[str](), None
    for number in range(count):
        task = task_id()
        params = {"n": number}
        await log.tell(created(title=f"=1+{number}", tags=("@x",), params=params), task)
        last = await log.tell(e.TaskStarted(worker="w"), task, attempt=1)
        if number % 3 == 0:
            last = await log.tell(e.TaskSucceeded(result="x" * 5000), task, attempt=1)
        if number % 3 == 1:
            last = await log.tell(e.TaskFailed(error=PROBLEM, failures=1), task, attempt=1)
        made.insert(0, task)
    assert last is not None
    await bob.seen(last)
    return made, last


async def test_a_file_has_every_task_of_its_owner_newest_first(
    log: Scribe, bob: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "TASKS_AT_ONCE", 3)
    made, last = await history(log, bob, 10)
    await log.tell(created(), task_id(), "eve")
    answer = await bob.get(link(last))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"].startswith('attachment; filename="milepost-tasks-')
    assert answer.headers["milepost-task-count"] == "10"
    assert answer.content.count(ROW_STARTS["json"]) == 10
    told = answer.json()
    assert [each["id"] for each in told] == made
    assert [each["params"]["n"] for each in told] == [*reversed(range(10))]
    assert told[0]["result"] == "x" * 5000
    assert (told[1]["status"], told[2]["error"], told[2]["reference"]) == (
        "running", "=HYPERLINK(1)", "r1",
    )  # fmt: skip
    answer = await bob.get(link(last, "csv"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [each["id"] for each in table] == made
    assert table[2]["title"] == "'=1+7"
    assert table[2]["error"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("form", FORMATS)
async def test_a_file_made_again_is_the_same_whatever_has_happened_since(
    log: Scribe, bob: Person, form: Format
):
    made, last = await history(log, bob, 5)
    before = await bob.get(link(last, form))
    await log.tell(e.TaskProgressed(progress=50), made[2], attempt=1)
    await log.tell(e.TaskSucceeded(result="since"), made[2], attempt=1)
    await log.tell(e.TaskDismissed(), made[1], attempt=1)
    await bob.seen(await log.tell(created(), task_id()))
    assert (await bob.read(f"/tasks/{made[2]}"))["status"] == "succeeded"
    after = await bob.get(link(last, form))
    assert (after.status_code, after.content) == (200, before.content)
    assert after.headers["milepost-task-count"] == "5"


async def test_a_link_opens_nothing_to_anybody_else(log: Scribe, bob: Person, http: Any):
    _, last = await history(log, bob, 1)
    good = link(last)
    eve, app = Person(bob.http, "eve"), Person(bob.http, "app", {"scopes": ["service"]})

    def said(answer: httpx.Response) -> tuple[int, bytes]:
        return answer.status_code, answer.content

    unknown = said(await bob.get("/exports/nonsense"))
    assert unknown[0] == 404
    for refused in (
        await eve.get(good),
        await eve.get(link(last, seconds=-60)),
        await bob.get(good[:-2]),
        await app.get(good),
        await bob.get(link(last, owner="eve")),
    ):
        assert said(refused) == unknown
    assert (await http.get(f"/api/notify{good}")).status_code == 401
    assert (await eve.get(good, owner="bob")).status_code == 403
    assert (await app.get(good, owner="bob")).status_code == 200
    expired = await bob.get(link(last, seconds=-1))
    assert (expired.status_code, expired.json()["type"]) == (410, "urn:milepost:gone")
    writer = Person(bob.http, "bob", {"scopes": ["tasks:write"]})
    assert (await writer.get(good)).status_code == 403


async def test_somebody_without_tasks_gets_an_empty_file(log: Scribe, bob: Person):
    _, last = await history(log, bob, 1)
    nobody = Person(bob.http, "nobody")
    assert (await nobody.get(link(last, owner="nobody"))).json() == []
    answer = await nobody.get(link(last, "csv", owner="nobody"))
    assert answer.text.splitlines() == [",".join(COLUMNS)]
    other = Cursor(last.partition, b"\0\0\0\0", 0, last.id, 0)
    assert (await bob.get(link(other))).status_code == 410
