"""Owns how a verdict is put into words, line by line. Decides nothing."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from milepost_cli.storm.storming import Plan
from milepost_cli.storm.verdict import PROMISED_SECONDS, Verdict, worst

MOST_SHOWN = 20
ANSWERS = ("submit", "bad batch", "retry", "cancel", "dismiss", "poll", "long poll", "stream")


def report(verdict: Verdict, again: str, history: Path | None) -> Iterator[str]:
    """The verdict for people; its last line has `again`, the command that repeats the storm."""
    counts = verdict.counts
    ends = [f"{counts[end]} {end}" for end in ("succeeded", "failed", "cancelled")]
    yield f"accepted {counts['accepted']} tasks: {', '.join(ends)}"
    yield f"told {counts['told']} changes, {counts['gaps']} gaps"
    for call in ANSWERS:
        found = {name: n for name, n in counts.items() if name.rpartition(" ")[0] == call}
        if found:
            said = ", ".join(
                f"{n} x {name.rpartition(' ')[2]}" for name, n in sorted(found.items())
            )
            yield f"  {call}: {said}"
    if verdict.recoveries:
        late = sum(each.longest > PROMISED_SECONDS for each in verdict.recoveries)
        many = f"{late or 'none'} of them for longer than {PROMISED_SECONDS:g} s"
        yield f"{counts['blows']} blows, {many}; felt after their end for at most:"
    for blow, (count, commands, news) in sorted(worst(verdict.recoveries).items()):
        yield f"  {count} x {blow}: commands {_seconds(commands)}, news {_seconds(news)}"
    for found in verdict.findings[:MOST_SHOWN]:
        promise = f" (promise {found.promise})" if found.promise else ""
        yield f"BROKEN: {found.rule}{promise}: {found.about}: {found.words}"
    if len(verdict.findings) > MOST_SHOWN:
        yield f"... and {len(verdict.findings) - MOST_SHOWN} more"
    if history is not None:
        yield f"everything that happened is in {history}"
    outcome = "every promise was kept" if verdict.kept else f"{len(verdict.findings)} violations"
    yield f"{outcome}; again: {again}"


def again(
    plan: Plan,
    owners: int,
    recovery: float,
    url: str | None,
    blows: str | None,
    pids: Sequence[tuple[str, int]],
) -> str:
    """The command that repeats a storm. A process that was named is another by then: there its
    name alone stands."""
    words = ["milepost", "storm", "--seed", str(plan.seed), "--seconds", f"{plan.seconds:g}"]
    words += ["--owners", str(owners), "--settle", f"{plan.settle_seconds:g}"]
    words += ["--recovery", f"{recovery:g}"]
    words += ["--url", url] if url is not None else []
    words += ["--blows", blows] if blows else []
    return " ".join([shlex.join(words), *(f"--pid {name}=PID" for name, _ in pids)])


def _seconds(value: float | None) -> str:
    return "never again" if value is None else f"{value:.1f} s"
