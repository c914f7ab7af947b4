"""An application's backend against a real `up`: submits, follows, waits, cancels."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import milepost
from milepost import TaskHandle, submit
from milepost.records import Task
from up_process import ROOT, Up


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    Path(folder / "sample_tasks.py").symlink_to(ROOT / "tests" / "sample_tasks.py")
    running = Up(folder, "--port", "0", "--tasks", "sample_tasks").until_ready()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def backend(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an application beside it."""
    monkeypatch.setenv("MILEPOST_SECRET", (up.data / "secret").read_text().strip())
    monkeypatch.setenv("MILEPOST_SUBMIT_URL", up.url)
    monkeypatch.setenv("MILEPOST_NOTIFY_URL", up.url)


def test_a_handle_follows_its_task_to_the_end():
    handle = submit("sample.sleep", {"seconds": 1}, owner="bob")
    assert (handle.status, handle.type) == ("queued", "sample.sleep")
    seen = list(handle.follow(timeout=60))
    progress = [task.progress for task in seen]
    assert progress == sorted(progress)
    assert len(progress) > 3
    assert (seen[-1].status, seen[-1].progress, handle.status) == ("succeeded", 100, "succeeded")
    assert seen[0].params == seen[-1].params == {"seconds": 1}


def test_a_handle_of_an_id_is_as_good(up: Up):
    made = submit("sample.count", {"upto": 3}, owner="bob")
    again = TaskHandle(made.id, owner="bob")
    assert again.wait(timeout=60).result == {"count": 3}
    assert again.fetch().title == again.title == "sample.count"
    for nobody in (TaskHandle(made.id, owner="bobby"), TaskHandle("no-id", owner="bob")):
        with pytest.raises(milepost.NotFound):
            nobody.wait(timeout=60)


def test_it_waits_no_longer_than_asked_and_then_cancels():
    handle = submit("sample.sleep", {"seconds": 60}, owner="bob")
    with pytest.raises(TimeoutError):
        handle.wait(timeout=0)
    with pytest.raises(milepost.NotEnded):
        handle.wait(timeout=0.3)
    assert handle.cancel() in ("queued", "running", "cancelled")
    ended = handle.wait(timeout=60)
    assert ended.status == handle.status == "cancelled"
    assert handle.cancel() == "cancelled"
    done = submit("sample.noop", {}, owner="bob")
    done.wait(timeout=60)
    with pytest.raises(milepost.Conflict, match="succeeded"):
        done.cancel()


def test_its_token_reads_this_task_alone(up: Up):
    mine, other = (submit("sample.noop", {}, owner="bob") for _ in range(2))
    other.wait(timeout=60)
    bearer = {"Authorization": f"Bearer {mine.token(ttl_seconds=60)}"}
    with httpx.Client(base_url=up.url, headers=bearer) as browser:
        found = browser.get(f"/api/notify/tasks/{mine.id}", params={"at_least": mine.revision})
        assert found.json()["id"] == mine.id
        assert browser.get(f"/api/notify/tasks/{other.id}").status_code == 404
        assert browser.post(f"/api/submit/tasks/{mine.id}/cancel").status_code == 403


def test_what_is_wrong_is_said_field_by_field():
    with pytest.raises(milepost.InvalidRequest) as refused:
        submit("sample.count", {"upto": "x"}, owner="bob")
    assert refused.value.status == 422
    assert refused.value.errors[0]["loc"][:2] == ["body", "params"]
    with pytest.raises(milepost.NotFound):
        submit("no.such", {}, owner="bob")


def test_a_wrong_secret_is_not_signed_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILEPOST_SECRET", "another-secret-of-forty-characters-or-so")
    with pytest.raises(milepost.NotSignedIn):
        submit("sample.noop", {}, owner="bob")


async def test_the_same_for_asyncio(up: Up):
    handle = await milepost.asubmit("sample.sleep", {"seconds": 1}, owner="carol")
    ended, seen = await asyncio.gather(handle.await_(timeout=60), _all(handle))
    assert ended.status == "succeeded"
    assert seen[-1].model_dump(exclude={"read"}) == ended.model_dump(exclude={"read"})
    assert (await handle.afetch()).status == "succeeded"
    with pytest.raises(milepost.Conflict):
        await handle.acancel()


async def _all(handle: TaskHandle) -> list[Task]:
    return [task async for task in handle.afollow(timeout=60)]


def test_a_task_follows_a_task_it_has_submitted():
    parent = submit("sample.waiting_parent", {}, owner="dora")
    ended = parent.wait(timeout=60)
    assert (ended.status, ended.result) == ("succeeded", {"count": 4})


def test_following_goes_on_when_the_web_process_was_killed(up: Up):
    handle = submit("sample.sleep", {"seconds": 4}, owner="erna")
    seen: list[float] = []
    killed = False
    for task in handle.follow(timeout=60):
        seen.append(task.progress)
        if not killed and task.progress > 5:
            os.kill(up.children()["web"], signal.SIGKILL)
            killed = True
    assert killed
    assert seen == sorted(seen)
    assert (handle.status, seen[-1]) == ("succeeded", 100)
