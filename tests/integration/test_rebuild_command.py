"""`milepost rebuild` as a program: killed, repeated, and what it says."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select, update

from databases import rows
from histories import LOG_ID, Story
from milepost_notify import tables
from milepost_notify.changes import Known
from milepost_notify.folding import fold
from milepost_notify.sql import SqlProjectionStore
from milepost_service.engines import engine

TASKS = 8000


@pytest.fixture
async def story(database_url: str) -> Story:
    """A history long enough to be cut in the middle, projected into partition 0."""
    story, known, store = Story(), Known(), SqlProjectionStore(database_url)
    at = await store.begin(0, LOG_ID)
    for number in range(TASKS):
        story.run(f"task {number}", f"owner {number % 10}")
    for start in range(0, len(story.told), 8000):
        batch = story.told[start : start + 8000]
        at = await store.apply(at, batch[-1].event.id, fold(known, batch))
    await store.close()
    return story


def begin(database_url: str, folder: Path, *options: str) -> "subprocess.Popen[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
    environment |= {
        "MILEPOST_DATABASE_URL": database_url,
        "MILEPOST_REDIS_URL": "redis://127.0.0.1:1",  # needs none
        "MILEPOST_PARTITIONS": "2",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "milepost_cli", "rebuild", *options],
        cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(database_url: str, folder: Path, *options: str) -> tuple[int, str]:
    status, out, err = ended(begin(database_url, folder, *options))
    assert err == "", err
    return status, out


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Its status, and what it said."""
    with process:
        try:
            out, err = process.communicate(timeout=100)
            return process.returncode, out, err
        finally:
            process.kill()  # the end of the block waits for it without a deadline


def contents(url: str) -> list[object]:
    """All rows, whatever their generation is called."""
    return [[row[1:] for row in rows(url)[name]] for name in ("task", "notification", "inbox")]


def built(url: str) -> str | None:
    """How far a generation is that is being made."""
    opened = engine(url, "read", tables.SCHEMA.name, connections=1)
    with opened.begin() as connection:
        found = connection.scalar(select(tables.generation.c.position))
    opened.dispose()
    return found


async def test_killed_in_the_middle_it_goes_on_and_gives_the_same_rows(
    story: Story, database_url: str, tmp_path: Path
):
    before = contents(database_url)
    first = begin(database_url, tmp_path)
    deadline = time.monotonic() + 60
    while (built(database_url) or "0") < story.told[len(story.told) // 4].event.id.sortable:
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < deadline
    first.send_signal(signal.SIGKILL)
    first.communicate()
    reached = built(database_url)
    assert reached is not None, "it was done before it was killed"

    status, said = run(database_url, tmp_path)
    assert status == 0, said
    assert f"partition 0: {3 * TASKS:,} events" in said
    assert "all the same" in said
    assert built(database_url) is None
    assert contents(database_url) == before


async def test_it_says_what_differs_and_a_dry_run_leaves_it(
    story: Story, database_url: str, tmp_path: Path
):
    before = contents(database_url)
    wrong = update(tables.task).where(tables.task.c.id == "task 7").values(title="\x1b[31mred")
    opened = engine(database_url, "write", tables.SCHEMA.name, connections=1)
    with opened.begin() as connection:
        connection.execute(wrong)
    opened.dispose()

    status, said = run(database_url, tmp_path, "--dry-run")
    assert status == 1
    assert f"task: 1 changed, 0 gone, 0 new, of {TASKS:,}" in said
    assert "owner=owner 7 id=task 7; title '\\x1b[31mred' -> 'T'" in said
    assert "\x1b" not in said
    assert contents(database_url) != before

    status, said = run(database_url, tmp_path, "--json")
    assert status == 0
    told = json.loads(said)
    assert (told["partition"], told["served"], told["events"]) == (0, True, 3 * TASKS)
    assert told["tables"][0]["different"] == 1
    assert contents(database_url) == before


async def test_history_of_a_later_release_is_left_to_that(
    story: Story, database_url: str, tmp_path: Path
):
    opened = engine(database_url, "write", tables.SCHEMA.name, connections=1)
    history = tables.history.c
    with opened.begin() as connection:
        connection.execute(update(tables.history).where(history.task_id == "task 9").values(v=99))
    opened.dispose()
    status, _, err = ended(begin(database_url, tmp_path))
    assert status == 1
    assert err.startswith("milepost: the history has events of a later release")
    assert err.count("\n") == 1
