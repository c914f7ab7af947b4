"""Owns how a long command shows how far it is: one line, redrawn, on a terminal alone."""

import sys
import time
from collections.abc import Callable

WIDTH = 30
REDRAW_SECONDS = 0.1


class Bar:
    """Draws on standard error while that is a terminal; where nobody looks it says nothing."""

    def __init__(self, what: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._monotonic = monotonic
        self._began = monotonic()
        self._from: int | None = None
        self._drawn = float("-inf")
        self._shown = sys.stderr.isatty()

    def tell(self, doing: str, done: int, total: int) -> None:
        """Show `done` of `total`; of a total that is not known (0), what is being done."""
        now = self._monotonic()
        if not self._shown or (now - self._drawn < REDRAW_SECONDS and done != total):
            return
        self._drawn = now
        self._from = done if self._from is None else self._from
        line = f"{self._what}: {doing}"
        if total:
            rate = (done - self._from) / max(now - self._began, 0.001)
            line = f"{self._what} {drawn(done, total)} {doing}, {rate:,.0f}/s"
            line += f", {(total - done) / rate:,.0f} s left" if rate else ""
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def drawn(done: int, total: int) -> str:
    """The bar itself, with its percentage: 100 only when all is done."""
    full = WIDTH * done // total
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {100 * done // total} %"
