"""Owns what facts mean and what to do about them. Pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from milepost.records import rfc3339
from milepost_cli.doctor.facts import BehindFacts, LogFacts, RedisFacts, SqlFacts
from milepost_cli.doctor.finding import Finding, Status
from milepost_log.paused import joined
from milepost_log.server_checks import Durability, Server, fault_of
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import BEHIND
from milepost_notify.lost_log import REMEDY, problem_of, words
from milepost_notify.projection import NEVER_CREATED

FULL, NEARLY_FULL = 0.85, 0.7
"""Of maxmemory: from the first on new tasks are refused."""
CLOCK_SECONDS, CLOCK_FAIL_SECONDS = 1.0, 10.0
"""Tokens have a leeway of 10 s."""
LAG_SECONDS, LAG_FAIL_SECONDS = 5.0, 60.0
DISK_BYTES, DISK_FAIL_BYTES = 2**30, 64 * 2**20
NAMED = 10
"""So many task types of those that something is wrong with."""


def of_server(name: str, server: Server, durability: Durability) -> Iterator[Finding]:
    """Whether a primary keeps what it was given, and has room."""
    at = f" {name}" if name else ""
    fault, fsync = fault_of(server, durability), server.appendfsync
    if fault:
        says, _, remedy = fault.partition(": ")
        yield Finding(f"durability{at}", "fail", says, remedy)
    elif durability == "memory":
        says = "MILEPOST_DURABILITY=memory: accepted tasks may be lost with Redis"
        yield Finding(f"durability{at}", "warn", says, "set it to fsync where tasks matter")
    elif fsync is None or server.eviction is None:
        says = "Redis does not tell: that it keeps and evicts nothing is taken on trust"
        remedy = "look up appendfsync (always) and maxmemory-policy (noeviction) at its provider"
        yield Finding(f"durability{at}", "warn", says, remedy)
    else:
        yield Finding(f"durability{at}", "ok", f"appendfsync {fsync}, {server.eviction}")
    used = f"{server.used_bytes / 1e6:,.0f} MB"
    if not server.max_bytes:
        yield Finding(f"memory{at}", "ok", f"{used} used; no maxmemory, so nothing is refused")
        return
    share = server.used_bytes / server.max_bytes
    status: Status = "fail" if share >= FULL else "warn" if share >= NEARLY_FULL else "ok"
    says = f"{used} used of {server.max_bytes / 1e6:,.0f} MB ({share:.0%})"
    if share >= FULL:
        says += ": new tasks are refused"
    remedy = None if status == "ok" else "raise maxmemory, or see that projectors and workers run"
    yield Finding(f"memory{at}", status, says, remedy)


def of_clock(ahead_seconds: float) -> Finding:
    """Whether Redis' clock, by which everything is dated, and ours agree."""
    apart = abs(ahead_seconds)
    if apart < CLOCK_SECONDS:
        return Finding("clock", "ok", f"{apart:.1f} s from Redis'")
    where = "ahead of" if ahead_seconds > 0 else "behind"
    status: Status = "fail" if apart >= CLOCK_FAIL_SECONDS else "warn"
    return Finding("clock", status, f"Redis' is {apart:.1f} s {where} ours", "run NTP on both")


def of_schemas(sql: SqlFacts) -> Iterator[Finding]:
    """Whether the tables are there and this code may use them."""
    for misfit in sql.misfits:
        says, _, remedy = misfit.rpartition(": ")
        yield Finding("schema", "fail", says, remedy)
    if not sql.misfits:
        yield Finding("schema", "ok", "up to date")


def of_partition(
    number: int, partitions: int, log: LogFacts, at: Checkpoint | None, behind: BehindFacts | None
) -> Finding:
    """Whether a log and its read models belong together, and how far the projector is behind."""
    name = f"partition {number}"
    if log.log_id is None and at is None:
        return Finding(name, "warn", "it has no log yet", "start submit: it makes the log")
    if log.log_id is not None and log.partitions != partitions:
        says = f"the deployment was made with {log.partitions} partitions, not {partitions}"
        return Finding(name, "fail", says, f"set MILEPOST_PARTITIONS={log.partitions}")
    if at is None or behind is None:
        return Finding(name, "fail", "it was never projected", "start a projector")
    problem = problem_of(at, log.log_id, continues=behind.continues, first=behind.first)
    if problem is not None:
        return Finding(name, "fail", words(problem, at, log.log_id), REMEDY)
    if not behind.continues:
        says = f"the log no longer has {at.position}, which is projected: its tail was lost"
        remedy = "a projector takes the read models back by itself: see that one runs"
        return Finding(name, "fail", says, remedy)
    lag = behind.oldest_seconds or 0.0
    if lag < LAG_SECONDS:
        return Finding(name, "ok", f"at {at.position}, {lag:.1f} s behind")
    status: Status = "fail" if lag >= LAG_FAIL_SECONDS else "warn"
    says = f"the projector is {lag:,.0f} s behind, at {at.position}"
    return Finding(name, status, says, "see whether one runs, and what its log says")


def of_disk(folder: str, free_bytes: int) -> Finding:
    """Whether log and database in a data folder can grow."""
    says = f"{free_bytes // 2**20:,} MiB free for {folder}"
    if free_bytes < DISK_FAIL_BYTES:
        remedy = "make room: Valkey ends at a write that has none; then all goes on by itself"
        return Finding("disk", "fail", says, remedy)
    if free_bytes < DISK_BYTES:
        return Finding("disk", "warn", says, "make room before it is full")
    return Finding("disk", "ok", says)


def of_parked(sql: SqlFacts) -> Iterator[Finding]:
    """What could not be projected, reason by reason."""
    reasons = {reason: count for reason, count in sql.parked.items() if reason != BEHIND}
    for reason, count in sorted(reasons.items(), key=lambda each: -each[1]):
        remedy = "when code that knows it runs everywhere: `./milepost replay`"
        if reason.endswith(NEVER_CREATED):
            remedy = "their beginning was lost with a database: restore that, if you can"
        yield Finding("parked", "warn", f"{count:,} events: {reason}", remedy)
    if behind := sql.parked.get(BEHIND):
        yield Finding("parked", "warn", f"{behind:,} events behind those", "`./milepost replay`")
    if not sql.parked:
        yield Finding("parked", "ok", "nothing is")


def of_dead(found: RedisFacts) -> Finding:
    """What nobody could read."""
    if count := sum(log.dead for log in found.logs.values()):
        remedy = "`./milepost dead`, then `dead redrive` what was put right, `dead drop` the rest"
        return Finding("dead letters", "warn", f"{count:,}", remedy)
    return Finding("dead letters", "ok", "none")


def of_pauses(found: RedisFacts) -> Iterator[Finding]:
    """What operators have paused: people wait for it."""
    for pause in joined([log.pauses for log in found.logs.values()]):
        says = f"the {pause.what} {pause.name} is paused since {rfc3339(pause.since_ms)}"
        says += f" by {pause.by}" + (f": {pause.reason}" if pause.reason else "")
        path = f"/api/submit/admin/pauses/{pause.what}s/{pause.name}"
        if not pause.everywhere:
            says += "; not in all partitions, since a command was cut short"
            yield Finding("paused", "warn", says, f"repeat it: PUT or DELETE {path}")
        else:
            yield Finding("paused", "warn", says, f"when it may go on: DELETE {path}")


def of_workers(
    found: RedisFacts, lease_seconds: float, waiting: Mapping[str, int] | None = None
) -> Iterator[Finding]:
    """Whether anybody works, and whether everything that is offered to people is taken.

    Args:
        waiting: task type -> ready tasks, wherever they wait; null when the database does not say:
            then those are counted that stand in queues.
    """
    alive = {name for name, ago in found.offers.items() if ago <= lease_seconds}
    workers = frozenset[str]().union(*(log.workers for log in found.logs.values()))
    queued = sum(log.queued for log in found.logs.values())
    if waiting is not None:
        queued = sum(waiting.values())
    if alive:
        yield Finding("workers", "ok", f"{len(workers)} with a lease, {queued:,} tasks queued")
    else:
        status: Status = "fail" if queued or workers else "warn"
        says = f"none was heard of for {lease_seconds:g} s, {queued:,} tasks queued"
        yield Finding("workers", status, says, "start `./milepost worker`")
        return
    waiting = waiting or {}
    missing = (found.announced | {kind for kind, count in waiting.items() if count}) - alive
    unknown = alive - found.announced
    if missing:
        says = f"no live worker takes {_listed(missing, waiting)}"
        yield Finding("task types", "warn", says, "start a worker with their module")
    if unknown:
        says = (
            f"workers take {_listed(unknown, {})}, the catalogue does not have it: submit refuses"
        )
        remedy = "workers announce again within seconds; if not, see what their logs say"
        yield Finding("task types", "warn", says, remedy)
    if not missing and not unknown:
        yield Finding("task types", "ok", f"{len(alive)}, all taken")


def _listed(kinds: AbstractSet[str], waiting: Mapping[str, int]) -> str:
    """Some of the types, those first for which most tasks wait."""
    found = sorted(kinds, key=lambda kind: (-waiting.get(kind, 0), kind))
    words = (
        f"{kind} ({count:,} {'task waits' if count == 1 else 'tasks wait'})" if count else kind
        for kind, count in ((each, waiting.get(each, 0)) for each in found[:NAMED])
    )
    return ", ".join(words) + " ..." * (len(found) > NAMED)
