"""Owns the charts of each benchmark, by the names of the rows that make them.

So a chart shows what the table says, and a benchmark only names its rows.
"""

from collections.abc import Iterable

from benches.stage.bar_chart import Bars
from benches.stage.grouped import Contenders, Growth
from benches.stage.line_chart import Lines
from benches.stage.table import Row

P = ("p50", "p99")
QUEUE = (
    Contenders("drained-2", "No-op tasks drained by 2 worker processes", "tasks/s",
               r"2 processes, tasks/s: (.+)", more_is_better=True),
    Contenders("drained-1", "No-op tasks drained by 1 worker process of 8 threads", "tasks/s",
               r"1 process, 8 threads, tasks/s: (.+)", more_is_better=True),
    Contenders("enqueued", "Enqueued one by one", "tasks/s", r"enqueued one by one /s: (.+)",
               ours=r": ours", more_is_better=True),
    Contenders("bulk", "Enqueued in bulk", "tasks/s", r"enqueued in bulk, .+, /s: (.+)",
               ours=r": ours", more_is_better=True),
    Contenders("idle", "From submit to done on an idle queue, p50 and p99", "ms",
               r"submit to done, idle, ms, (p\d+): (.+)", ours=r": ours"),
)  # fmt: skip
GALLERY: dict[str, tuple[Contenders | Growth, ...]] = {
    "queue": QUEUE,
    "queue_peers": (
        Contenders("drained", "No-op tasks drained by 2 worker processes, beside more peers",
                   "tasks/s", r"2 processes, tasks/s: (.+)", more_is_better=True),
        Contenders("bulk", "Enqueued in bulk", "tasks/s", r"enqueued in bulk /s: (.+)",
                   more_is_better=True),
        Contenders("idle", "From submit to done on an idle queue, p99", "ms",
                   r"submit to done, idle, ms, p99: (.+)", log=True),
    ),
    "progress": (
        Contenders("iteration", "A loop that shows its progress", "ns an iteration",
                   r"(.+), ns an iteration"),
        Contenders("call", "Telling the world about progress", "us a call", r"(.+), us(?: a call)?",
                   log=True),
    ),
    "projection": (
        Contenders("events", "Events of one log into the read models", "events/s",
                   r"events/s, (.+)", ours="", more_is_better=True),
    ),
    "rebuild": (
        Contenders("seconds", "A history folded anew, compared, and served", "s", r"s, (.+)",
                   ours=""),
    ),
    "fairness": (
        Contenders("wait", "Another's single task while one owner has 10,000 queued, p99", "ms",
                   r"wait, ms, p99, (.+): (.+)", ours="is full"),
    ),
    "freshness": (
        Contenders("age", "From report() in a task to a client that waits, p50 and p99", "ms",
                   r"report to (.+), ms, (p\d+), (.+)", ours="report to"),
        Contenders("shown", "Until a report, or a newer one, is shown, p50 and p99", "ms",
                   r"until it or a newer one is shown, ms, (p\d+): (.+)", log=True),
    ),
    "poll": (
        Contenders("get", "Idle polls answered by one process", "requests/s", r"GET /s: (.+)",
                   more_is_better=True),
        Contenders("post", "Tasks taken by one process", "requests/s", r"POST /s: (.+)",
                   more_is_better=True),
    ),
    "alternatives": (
        Contenders("events", "An event read and written", "us", r"(an event .+), us: (.+)"),
        Contenders("servers", "Requests answered by one process", "requests/s", r"(.+), /s: (.+)",
                   ours="uvicorn", more_is_better=True),
    ),
    "sse": (
        Growth("event", "One more client's event as idle clients wait", "idle clients", "ms",
               {p: rf"one more client's event, ms, {p}, beside ([\d,]+) idle" for p in P}),
        Growth("memory", "What an idle client holds", "idle clients", "KiB a client",
               {"notify": r"KiB for each of ([\d,]+) idle clients"}),
    ),
    "memory": (
        Contenders("task", "What Redis keeps of a queued task", "KiB",
                   r"(a queued task) all told, KiB", ours=""),
        Contenders("event", "What Redis keeps of an event of progress", "bytes",
                   r"(a progress event) in the log, bytes", ours=""),
    ),
    "footprint": (
        Contenders("resident", "What `up` with one worker holds while it is idle", "MiB",
                   r"resident in all, MiB: (.+)", ours=""),
        Contenders("start", "Until `up` is ready", "s", r"start, s: (.+)", ours=""),
    ),
    "scaling": (
        Growth("sweep", "A sweep that finds nothing as workers join", "workers", "us of the server",
               {"a sweep": r"a sweep that finds nothing, ([\d,]+) workers: server, us"}),
        Growth("told", "Progress told in batches", "events in a call", "us of the server an event",
               {"an event": r"an event of progress, ([\d,]+) in a call: server, us"}),
    ),
}  # fmt: skip
"""By benchmark; one that hands its charts to `show` needs nothing here."""


def gallery(name: str, rows: Iterable[Row]) -> list[Bars | Lines]:
    """The charts of a benchmark's table, in their order."""
    table = list(rows)
    return [chart for each in GALLERY.get(name, ()) if (chart := each.of(table)) is not None]
