"""Makes logs for tests of notify: by hand, event after event, or legal ones at random."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from milepost import events as e
from milepost.codec import encode, usual_actor
from milepost.cursors import StreamId
from milepost.errors import Refused
from milepost.events import Event, Payload, Problem
from milepost.task_state import (
    CancelTask,
    Command,
    CreateTask,
    DismissTask,
    FinishTask,
    ReportProgress,
    RetryLater,
    ReturnTask,
    StartTask,
    TaskState,
    decide,
    evolve,
)
from milepost_log.reader import Entry
from milepost_notify import cache
from milepost_notify.archive import Logged
from milepost_notify.changes import Changes, Known
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import fold
from milepost_notify.store import ProjectionStore

LOG_ID = "a1b2c3d4" * 4
NOON = 1_800_000_000_000
OOPS = Problem(code="failed", message="It did not work", reference="r1")


def created(title: str = "T", **more: object) -> e.TaskCreated:
    """A request for a task."""
    told: dict[str, object] = {"task_type": "unit.job", "queue": "default", "params": {}}
    return e.TaskCreated.model_validate({**told, "title": title, **more})


@dataclass
class Story:
    """A log of one partition, told event by event."""

    partition: int = 0
    ms: int = NOON
    seq: int = 0
    told: list[Logged] = field(default_factory=list[Logged])

    def tell(
        self, payload: Payload, task: str = "t1", owner: str = "bob", *, attempt: int = 0,
        at: int | None = None, later_ms: int = 1,
    ) -> Event:  # fmt: skip
        """Add an event, `later_ms` after the last (0: in the same millisecond)."""
        self.ms, self.seq = (self.ms + later_ms, 0) if later_ms else (self.ms, self.seq + 1)
        position = StreamId(self.ms, self.seq)
        by = usual_actor(payload.type, owner, task)
        moment = self.ms if at is None else at
        event = Event(self.partition, position, task, owner, by, moment, attempt, None, payload)
        self.told.append(logged(event))
        return event

    def run(self, task: str = "t1", owner: str = "bob", end: Payload | None = None) -> Event:
        """Create, start and end a task; the end."""
        self.tell(created(), task, owner)
        self.tell(e.TaskStarted(worker="w"), task, owner, attempt=1)
        return self.tell(end or e.TaskSucceeded(result=None), task, owner, attempt=1)


def logged(event: Event) -> Logged:
    """An event as it comes out of the log."""
    fields = {name.encode(): value.encode() for name, value in encode(event).items()}
    return Logged(event, fields)


def entry_of(told: Logged) -> Entry:
    """The log entry of an event."""
    return Entry(str(told.event.id).encode(), told.fields)


def fold_all(told: Iterable[Logged]) -> tuple[Known, Changes]:
    """Fold everything in one batch: the rows in the end, and what was changed."""
    known = Known()
    return known, fold(known, told)


async def project(
    store: ProjectionStore, before: Checkpoint, told: Sequence[Logged], known: Known | None = None
) -> tuple[Checkpoint, Changes]:
    """Fold and save a batch as a projector does, from `known` or from what is stored."""
    known = known or Known(parked=await store.parked(before.partition))
    cache.add(known, await store.known(before, *cache.missing(known, told)))
    changes = fold(known, told)
    return await store.apply(before, told[-1].event.id, changes), changes


def checkpoint(told: Sequence[Logged], *, era: int = 0) -> Checkpoint:
    """The checkpoint behind everything."""
    return Checkpoint(told[0].event.partition, LOG_ID, era, told[-1].event.id)


OWNERS = ("bob", "bobby", "bob_1", "%")
TASKS = ("t1", "t2", "t3")
_percent = st.floats(0, 99.99, allow_nan=False)


def _command(draw: st.DrawFn, state: TaskState | None) -> Command:
    if state is None:
        parent = draw(st.sampled_from((None, *TASKS)))
        due = draw(st.sampled_from((None, NOON + 5)))
        return CreateTask(created(parent=parent, runs_at=due))
    attempt, worker = state.attempt, state.worker or "w"
    return draw(
        st.sampled_from(
            (
                StartTask("w"),
                ReportProgress(attempt, e.TaskProgressed(progress=draw(_percent))),
                ReportProgress(attempt, e.TaskProgressed(progress=draw(_percent), done=1, total=2)),
                FinishTask(attempt, worker, e.TaskSucceeded(result={"n": 1})),
                FinishTask(attempt, worker, e.TaskFailed(error=OOPS, failures=1)),
                FinishTask(attempt, worker, e.TaskCancelled()),
                RetryLater(attempt, worker, e.TaskRetrying(error=OOPS, runs_at=NOON, failures=1)),
                ReturnTask(worker, "worker_lost"),
                CancelTask(),
                DismissTask(),
            )
        )
    )


@st.composite
def legal_logs(draw: st.DrawFn, *, most: int = 40) -> list[Logged]:
    """A log that the scripts could have written: several owners, the same ids, ties in time."""
    story = Story()
    states: dict[tuple[str, str], TaskState] = {}
    for _ in range(draw(st.integers(1, most))):
        owner = draw(st.sampled_from(OWNERS))
        later_ms = draw(st.sampled_from((0, 0, 1, 1000)))
        if story.told and draw(st.integers(0, 7)) == 0:
            until = draw(st.sampled_from(story.told)).event.id
            story.tell(e.InboxRead(until=str(until)), "", owner, later_ms=later_ms)
            continue
        task = draw(st.sampled_from(TASKS))
        state = states.get((owner, task))
        try:
            payloads = decide(state, _command(draw, state))
        except Refused:
            continue
        for payload in payloads:
            state = evolve(state, payload)
            states[owner, task] = state
            story.tell(payload, task, owner, attempt=state.attempt, later_ms=later_ms)
    if not story.told:
        story.tell(created())
    return story.told


@st.composite
def busy_logs(draw: st.DrawFn) -> list[Logged]:
    """A log of a few tasks that report much, over several attempts; an id may be used again."""
    story = Story()
    progress: dict[str, float] = {}
    attempts: dict[str, int] = {}
    for task in draw(st.lists(st.sampled_from(TASKS), min_size=1, max_size=12)):
        if task not in attempts:
            story.tell(created(), task)
            attempts[task] = 0
        if task not in progress:
            attempts[task] += 1
            story.tell(e.TaskStarted(worker="w"), task, attempt=attempts[task])
            progress[task] = 0.0
        attempt = attempts[task]
        for _ in range(draw(st.integers(0, 12))):
            progress[task] = min(99.0, progress[task] + draw(st.floats(0, 2)))
            told = e.TaskProgressed(progress=progress[task], message=str(len(story.told)))
            story.tell(told, task, attempt=attempt, later_ms=draw(st.integers(0, 1)))
        match draw(st.integers(0, 5)):
            case 0:
                story.tell(e.TaskSucceeded(result=None), task, attempt=attempt)
                del progress[task], attempts[task]
            case 1 | 2:
                returned = e.TaskReturned(reason="shutdown", worker="w", crashes=0)
                story.tell(returned, task, attempt=attempt)
                del progress[task]
            case _:
                pass
    return story.told


def cuts(told: Sequence[Logged], sizes: Sequence[int]) -> list[list[Logged]]:
    """The log in batches of these sizes, over and over."""
    batches: list[list[Logged]] = []
    start = 0
    while start < len(told):
        size = sizes[len(batches) % len(sizes)]
        batches.append(list(told[start : start + size]))
        start += size
    return batches
