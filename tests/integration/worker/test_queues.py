"""A worker serves the queues it is told to, in the order of priorities, whoever else does."""

from uuid import uuid4

from log_probe import LogProbe
from milepost.events import TaskCreated
from milepost.keys import PRIORITIES, Priority
from milepost_log.attempts import Outcome
from milepost_log.commands import NewTask
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from surroundings import StartWorker
from valkey_cluster import BOTH


async def create(log: LogProbe, queue: str, priority: Priority = "normal") -> str:
    """A task in a queue of its own; its id."""
    created = TaskCreated(
        task_type="sample.noop", title="T", queue=queue, priority=priority, params={}
    )
    task = NewTask(str(uuid4()), "f", created)
    await log.commands.create("bob", [task], max_live=99)
    return task.id


async def test_a_worker_takes_from_the_queues_it_is_told_and_leaves_the_others(
    log: LogProbe, start_worker: StartWorker
):
    before = [await create(log, queue) for queue in ("default", "mails", "reports")]
    start_worker(queues="mails,reports", lease_seconds=3600)
    await log.ended(*before[1:])
    after = [await create(log, queue) for queue in ("default", "mails", "reports")]
    await log.ended(*after[1:])
    assert [log.types(each) for each in (before[0], after[0])] == [["created"]] * 2
    start_worker(lease_seconds=3600)  # without a word: those of its types
    await log.ended(before[0], after[0])


@BOTH
async def test_higher_priorities_go_first_over_all_workers_and_queues(
    log: LogProbe, valkey_url: str, namespace: str
):
    queues = ["mails", "default"]
    of: dict[str, Priority] = {}
    for priority in reversed(PRIORITIES):
        for queue in queues * 6:  # more than go by the express lane
            of[await create(log, queue, priority)] = priority
    order = list[Priority]()
    with open_servers(valkey_url) as servers:
        workers = [WorkLog(servers, namespace, f"w{number}", queues) for number in range(3)]
        while taken := [
            (by, task) for by in workers for task in by.take(0, 1, holding=False).tasks
        ]:
            order += [of[task.id] for _, task in taken]
            for by, task in taken:
                by.finish(0, [Outcome(task, "succeeded", "{}")])
    assert order == [priority for priority in PRIORITIES for _ in queues * 6]
