"""Owns the verdict over a storm's history. Pure: the same records give the same verdict.

It knows the public contract alone: cursors are opaque to it, and what it holds against a deployment
is what somebody was answered.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from milepost_cli.storm import judged_followers, judged_tasks
from milepost_cli.storm import records as r
from milepost_cli.storm.verdict import Finding, Recovery, Verdict

RECOVERY_SECONDS = 30.0
"""Promised are 5; a machine that is shared, and that this checker itself keeps busy, gets more."""


def judge(records: Sequence[r.Record], *, recovery_seconds: float = RECOVERY_SECONDS) -> Verdict:
    """Return what the history violates, what each blow cost, and how much there was of all.

    Args:
        records: in the order in which they happened.
        recovery_seconds: a blow that is felt for longer than that after its end is a finding.
    """
    recoveries = tuple(_recoveries(records))
    findings = chain(
        judged_tasks.violations(records),
        judged_followers.violations(records),
        _foreign(records),
        _slow(recoveries, recovery_seconds),
        _rebuilt(records),
        _idle(records),
    )
    return Verdict(tuple(findings), recoveries, _counts(records))


def _foreign(records: Sequence[r.Record]) -> Iterable[Finding]:
    """No answer has a byte of another owner's."""
    for each in records:
        if not isinstance(each, r.Answered):
            continue
        strangers = sorted(each.marks - {each.owner})
        if strangers:
            words = f"{each.call}: was shown something of owner {strangers[0]}"
            yield Finding("foreign", f"owner {each.owner}", words)
        if (
            each.call == "pry"
            and 200 <= each.status < 500
            and each.status not in r.UNKNOWN_OR_LATER
        ):
            words = f"asked for another's task {each.task}: {each.status}"
            yield Finding("foreign", f"owner {each.owner}", words)


def _recoveries(records: Sequence[r.Record]) -> Iterable[Recovery]:
    """What came first after each blow: of what was asked after its end, and of what was told."""
    taken = [each for each in records if isinstance(each, r.Answered) and each.accepts]
    commands = [(each.asked_at, each.at) for each in taken]
    news = [(each.at, each.at) for each in records if isinstance(each, r.Told)]
    for blow in records:
        if isinstance(blow, r.Struck):
            first = _first(commands, blow.until), _first(news, blow.until)
            yield Recovery(blow.blow, *first)


def _first(times: Sequence[tuple[float, float]], after: float) -> float | None:
    """Seconds to the first that came of what began behind it."""
    return next((came - after for began, came in times if began > after), None)


def _slow(recoveries: Iterable[Recovery], most: float) -> Iterable[Finding]:
    for each in recoveries:
        for what, seconds in (("commands", each.commands), ("news", each.news)):
            if seconds is None or seconds > most:
                felt = "never again" if seconds is None else f"after {seconds:.1f} s"
                yield Finding("slow", each.blow, f"{what}: {felt}")


def _rebuilt(records: Sequence[r.Record]) -> Iterable[Finding]:
    """A rebuild gives the same read models."""
    for each in records:
        if isinstance(each, r.Rebuilt) and each.differences:
            yield Finding("rebuilt", "the read models", each.differences)


def _idle(records: Sequence[r.Record]) -> Iterable[Finding]:
    """A storm in which nothing was accepted, or nobody told, has shown nothing."""
    for kind, words in ((r.Accepted, "no task was accepted"), (r.Told, "no follower was told")):
        if not any(isinstance(each, kind) for each in records):
            yield Finding("idle", "the storm", words)


def _counts(records: Sequence[r.Record]) -> Counter[str]:
    counts = Counter[str]()
    ends = dict[str, str]()
    for each in records:
        match each:
            case r.Answered():
                counts[f"{each.call} {each.status or 'unanswered'}"] += 1
            case r.Accepted():
                counts["answers of acceptance"] += 1
            case r.Told():
                counts["told"] += 1
            case r.Restarted():
                counts["gaps" if each.gap else "reloads"] += 1
            case r.Struck():
                counts["blows"] += 1
            case r.Current():
                ends |= each.statuses
            case _:
                pass
    counts["accepted"] = len({each.task for each in records if isinstance(each, r.Accepted)})
    for status in ends.values():
        counts[status] += 1
    return counts
