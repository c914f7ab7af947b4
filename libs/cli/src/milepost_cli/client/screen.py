"""Owns how tasks that move are shown: as bars on a terminal, a line for each change in a pipe."""

import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from milepost.records import Task
from milepost.task_state import ENDED
from milepost_cli.client import words

if TYPE_CHECKING:
    from rich.live import Live

COLOURS = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}
REDRAWS_PER_SECOND = 8


class Screen:
    """Draws on one stream; takes terminal and colours from what it is (and NO_COLOR)."""

    def __init__(self, stream: TextIO, *, lines: bool = True) -> None:
        """Take a stream.

        Args:
            lines: whether changes are written where the stream is no terminal.
        """
        self._stream, self._lines = stream, lines
        self._live: Live | None = None
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from rich.console import Console  # 34 ms, for those who look at it
            from rich.live import Live

            console = Console(file=self._stream, highlight=False)
            self._live = Live(
                console=console, refresh_per_second=REDRAWS_PER_SECOND, redirect_stdout=False,
                redirect_stderr=False, vertical_overflow="ellipsis",
            )  # fmt: skip
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def show(self, tasks: Iterable[Task], changed: Task) -> None:
        """Show all of `tasks`, of which one has changed."""
        if self._live is not None:
            self._live.update(_Bars(list(tasks)))
        elif self._lines:
            line = words.line(changed)
            if self._last.get(changed.id) != line:
                self._last[changed.id] = line
                self._stream.write(line + "\n")
                self._stream.flush()
            if changed.status in ENDED:
                del self._last[changed.id]


class _Bars:
    """The bars, made anew at each redraw: what is left of the time changes by itself."""

    def __init__(self, tasks: list[Task]) -> None:
        self._tasks = tasks

    def __rich__(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2), expand=False)
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=36)
        for _ in range(2):
            grid.add_column(no_wrap=True, min_width=9)
        grid.add_column(no_wrap=True, justify="right", min_width=6)
        grid.add_column(no_wrap=True, justify="right", min_width=10)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        now = time.time()
        for task in self._tasks:
            colour = COLOURS.get(task.status, "bright_black")
            pulse = task.indeterminate and task.status == "running"
            bar = ProgressBar(
                total=100, completed=task.progress, width=24, pulse=pulse, style="bright_black",
                complete_style=colour, finished_style=colour, pulse_style=colour,
            )  # fmt: skip
            grid.add_row(
                Text(words.title(task)), bar, Text(task.status, style=colour),
                Text(words.percent(task)), Text(words.left(task, now), style="bright_black"),
                Text("  ".join(words.more(task))),
            )  # fmt: skip
        if not self._tasks:
            grid.add_row(Text("nothing yet", style="bright_black"))
        return grid


def screen(*, as_json: bool) -> Screen:
    """Where to show: beside JSON on standard error, and only to who looks."""
    return Screen(sys.stderr, lines=False) if as_json else Screen(sys.stdout)
