"""Owns how a verdict is put into words, line by line. Decides nothing."""

from collections.abc import Iterator
from pathlib import Path

from milepost_cli.storm.storming import Plan
from milepost_cli.storm.verdict import Verdict, worst

MOST_SHOWN = 20
ANSWERS = ("submit", "retry", "cancel", "dismiss", "poll", "long poll", "stream")


def report(verdict: Verdict, plan: Plan, history: Path | None) -> Iterator[str]:
    """The verdict for people; the seed that repeats the storm stands in its last line."""
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
        yield f"{counts['blows']} blows; felt after their end for at most:"
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
    yield f"{outcome}; again: milepost storm --seed {plan.seed} --seconds {plan.seconds:g}"


def _seconds(value: float | None) -> str:
    return "never again" if value is None else f"{value:.1f} s"
