"""What nobody can read, put by hand into queue streams: kept with a reason, tried again on demand,
and in nobody's way."""

import json
from collections.abc import Generator
from typing import Any

import pytest

from log_probe import LogProbe
from milepost.keys import PartitionKeys
from milepost.owners import owner_hash
from milepost_cli.main import main
from milepost_log.attempts import Outcome
from milepost_log.connection import connect
from milepost_log.dead_letters import DeadLetters
from milepost_log.work import WorkLog
from surroundings import StartWorker

LARGE = "x" * 10_000_000
BOB = owner_hash("bob")


@pytest.fixture
def client(valkey_url: str) -> Generator[Any]:
    with connect(valkey_url) as found:
        yield found


@pytest.fixture
def cli(
    valkey_url: str,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """Run `milepost dead ...`: its exit status and what it printed."""
    monkeypatch.setenv("MILEPOST_REDIS_URL", valkey_url)
    monkeypatch.setenv("MILEPOST_NAMESPACE", namespace)
    monkeypatch.setenv("MILEPOST_PARTITIONS", "1")

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(["dead", *arguments])
        except SystemExit as stopped:  # of the parser
            status = int(stopped.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def reasons(client: Any, namespace: str) -> list[str]:
    return [letter.reason for letter in DeadLetters(client, namespace, 1).all()]


async def test_garbage_in_a_queue_is_kept_with_a_reason_and_the_others_go_on(
    log: LogProbe, client: Any, namespace: str, start_worker: StartWorker
):
    queue = PartitionKeys(namespace, 0).queue("default", "normal")
    client.xadd(queue, {"payload": LARGE})
    client.xadd(queue, {"o": LARGE, "k": LARGE})
    client.xadd(queue, {b"\xff\x00": b"\xfe"})
    client.xadd(queue, {"o": BOB, "k": "never made"})
    for number in range(60):  # more than are taken at a time: nobody waits for a sweep behind it
        client.xadd(queue, {"n": number})
    task = await log.create("sample.noop")
    start_worker(lease_seconds=3600)
    await log.ended(task)
    ended = log.events[task][-1]
    assert ended.payload.type == "task.succeeded"
    found = reasons(client, namespace)
    assert found[:4] == [
        "a queue entry without an owner hash and a task id",
        "a queue entry without an owner hash and a task id",
        "a queue entry without an owner hash and a task id",
        "a queue entry of a task that is not there",
    ]
    assert len(found) == 64
    assert client.xlen(queue) == 0
    assert client.memory_usage(PartitionKeys(namespace, 0).dead, samples=0) < 100_000


async def test_garbage_does_not_make_a_task_wait_for_the_next_sweep(
    log: LogProbe, client: Any, namespace: str
):
    queue = PartitionKeys(namespace, 0).queue("default", "normal")
    for number in range(90):
        client.xadd(queue, {"n": number})
    task = await log.create("sample.noop")
    work = WorkLog(client, namespace, "w1", ["default"])
    assert [started.id for started in work.take(0, 8, holding=False).tasks] == [task]
    for number in range(150):
        client.xadd(queue, {"n": number})
    taken = work.take(0, 8, holding=True)
    assert (taken.tasks, taken.next_due_ms) == ([], 0), "and where it is too much, it says so"


async def test_a_flood_of_garbage_fills_no_memory(log: LogProbe, client: Any, namespace: str):
    queue = PartitionKeys(namespace, 0).queue("default", "normal")
    work = WorkLog(client, namespace, "w1", ["default"])
    for start in range(0, 1200, 100):
        for number in range(start, start + 100):
            client.xadd(queue, {"n": number})
        work.take(0, 100, holding=False)
    assert client.xlen(PartitionKeys(namespace, 0).dead) == 1000


async def test_a_task_that_was_damaged_and_repaired_runs_when_it_is_redriven(
    log: LogProbe, client: Any, namespace: str, cli: Any
):
    keys = PartitionKeys(namespace, 0)
    task, other = await log.create("sample.noop"), await log.create("sample.noop")
    data = client.hget(keys.task(BOB, task), "d")
    client.hset(keys.task(BOB, task), "d", "{nonsense")
    work = WorkLog(client, namespace, "w1", ["default"])
    taken = work.take(0, 8, holding=False).tasks
    assert [started.id for started in taken] == [other], "the others go on"
    work.finish(0, [Outcome(taken[0], "succeeded", "{}")])
    assert client.hget(keys.owner(BOB), "in:default") is None, "its share is somebody else's"

    status, out, _ = cli("list", "--json")
    assert status == 0
    (letter,) = json.loads(out)
    assert letter["stream"] == keys.express("default", "normal")
    assert letter["reason"] == "its task does not say what to do"
    assert letter["age_seconds"] < 60
    status, out, _ = cli("redrive", letter["id"])
    assert (status, out) == (1, f"{letter['id']}  not redriven: {letter['reason']}\n")

    client.hset(keys.task(BOB, task), "d", data)
    assert cli("redrive", letter["id"]) == (0, f"{letter['id']}  redriven\n", "")
    status, out, _ = cli("redrive", letter["id"])
    assert status == 1
    assert "no such dead letter" in out
    assert client.xlen(keys.express("default", "normal")) == 1
    assert [started.id for started in work.take(0, 8, holding=False).tasks] == [task]
    assert cli("list") == (0, "no dead letters\n", "")


async def test_what_cannot_be_redriven_says_why(
    log: LogProbe, client: Any, namespace: str, cli: Any
):
    keys = PartitionKeys(namespace, 0)
    queue = keys.queue("default", "normal")
    cancelled = await log.create("sample.noop")
    client.hset(keys.task(BOB, cancelled), "d", "{nonsense")
    client.xadd(queue, {"n": 1})
    client.xadd(queue, {"o": BOB, "k": "never made"})
    WorkLog(client, namespace, "w1", ["default"]).take(0, 8, holding=False)
    assert await log.commands.cancel("bob", cancelled) == "cancelled"
    client.xadd(keys.dead, {"stream": "log", "entry": "1-1", "reason": "\x1b[31mred"})
    status, out, _ = cli("redrive", "--json")
    assert status == 1
    assert [row["reason"] for row in json.loads(out)] == [
        "its task has ended", "it names no task", "its task is not there (any more)",
    ]  # fmt: skip
    letter = DeadLetters(client, namespace, 1).all()[-1]
    status, out, _ = cli("redrive", letter.id)
    assert status == 1
    assert "an event of the log" in out
    assert "\x1b" not in cli("list")[1]


async def test_what_nobody_needs_is_dropped_and_what_a_task_needs_is_not(
    log: LogProbe, client: Any, namespace: str, cli: Any
):
    keys = PartitionKeys(namespace, 0)
    damaged = await log.create("sample.noop")
    data = client.hget(keys.task(BOB, damaged), "d")
    client.hset(keys.task(BOB, damaged), "d", "{nonsense")
    for number in range(2):
        client.xadd(keys.queue("default", "normal"), {"n": number})
    WorkLog(client, namespace, "w1", ["default"]).take(0, 8, holding=False)
    client.xadd(keys.dead, {"stream": "log", "entry": "1-1", "reason": "the field t is missing"})
    status, out, _ = cli()
    assert status == 0
    assert "dead redrive" in out.splitlines()[-1]
    assert "dead drop" in out.splitlines()[-1]
    letters = {letter.id: letter for letter in DeadLetters(client, namespace, 1).all()}
    (needed,) = [each for each, letter in letters.items() if "what to do" in letter.reason]
    first, *others = [each for each in letters if each != needed]

    assert cli("drop", "--json", first)[0] == 0
    status, out, _ = cli("drop", first)
    assert (status, "no such dead letter" in out) == (1, True)
    status, out, _ = cli("drop", "--all")
    assert status == 1
    assert sorted(out.splitlines()) == sorted(
        [f"{each}  dropped" for each in others]
        + [
            f"{needed}  not dropped: its task waits for it: put that right and redrive it, or "
            "cancel the task"
        ]
    )
    client.hset(keys.task(BOB, damaged), "d", data)
    assert cli("redrive", needed)[0] == 0
    assert cli() == (0, "no dead letters\n", "")
    assert cli("drop", "--all") == (0, "nothing to drop\n", "")


def test_options_stand_before_and_behind_ids(cli: Any):
    for arguments in (
        ["redrive", "0:1-1", "--json"], ["redrive", "--json", "0:1-1"],
        ["--json", "redrive", "0:1-1"], ["drop", "--json", "0:1-1"],
    ):  # fmt: skip
        status, out, _ = cli(*arguments)
        assert status == 1
        assert json.loads(out)[0]["id"] == "0:1-1"


@pytest.mark.parametrize(
    "arguments",
    [
        ["drop"],
        ["drop", "--all", "0:1-1"],
        ["bury"],
        ["redrive", "x"],
        ["redrive", "7:1-1"],
        ["list", "0:1-1"],
    ],
)
def test_what_is_asked_wrongly_is_one_line_and_status_2(cli: Any, arguments: list[str]):
    status, out, err = cli(*arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_a_server_that_is_away_is_one_line_and_status_1(cli: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILEPOST_REDIS_URL", "redis://127.0.0.1:1/0")
    status, out, err = cli("list")
    assert (status, out) == (1, "")
    assert "MILEPOST_REDIS_URL" in err
