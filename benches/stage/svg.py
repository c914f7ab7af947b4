"""Owns the SVG that charts are made of: one file, no script, light and dark, with its words.

Colours follow the reader's theme; fonts are the reader's own. Deterministic: the same chart gives
the same bytes.
"""

from collections.abc import Iterable
from html import escape

WIDTH = 760
LETTER = 6.4
"""Pixels that a letter of 12 px takes at most, about; for what must not run into the next."""
COLOURS = 6
"""Of series: the classes s0 .. s5, told apart by the colour-blind too."""

STYLE = """
svg { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --grid: #d1d9e0; --peer: #afb8c1;
  --ours: #0969da; --goal: #bc4c00; --paper: #ffffff;
  --s0: #0969da; --s1: #bc4c00; --s2: #1a7f37; --s3: #8250df; --s4: #bf3989; --s5: #6e7781; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --soft: #9198a1; --grid: #3d444d;
  --peer: #656c76; --ours: #4493f8; --goal: #f0883e; --paper: #0d1117;
  --s0: #4493f8; --s1: #f0883e; --s2: #3fb950; --s3: #ab7df8; --s4: #db61a2; --s5: #9198a1; } }
text { font: 12px -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial,
  sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
.title { font-size: 15px; font-weight: 600; } .soft { fill: var(--soft); font-size: 11px; }
.strong { font-weight: 600; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--grid); } .axis { stroke: var(--soft); } .peer { fill: var(--peer); }
.ours { fill: var(--ours); } .range { stroke: var(--ink); stroke-opacity: .65; fill: none; }
.goal { stroke: var(--goal); stroke-width: 2; stroke-dasharray: 4 2; }
.under { stroke: var(--paper); stroke-width: 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .dot { stroke: var(--paper); }
"""


def document(title: str, description: str, height: float, parts: Iterable[str]) -> str:
    """A whole file; the description is what one hears who cannot see it."""
    series = " ".join(
        f"path.s{n} {{ stroke: var(--s{n}); }} .dot.s{n}, text.s{n} {{ fill: var(--s{n}); }}"
        for n in range(COLOURS)
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'width="{WIDTH}" height="{height:g}" role="img" aria-labelledby="title desc">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="desc">{escape(description)}</desc>\n'
        f"<style>{STYLE}{series}\n</style>\n{body}\n</svg>\n"
    )


def text(x: float, y: float, words: str, names: str = "") -> str:
    """Words whose base line begins there, or ends, or has its middle: by class."""
    return f'<text x="{x:.1f}" y="{y:.1f}"{_class(names)}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, names: str) -> str:
    """A straight line."""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"{_class(names)}/>'


def box(x: float, y: float, width: float, height: float, names: str) -> str:
    """A filled rectangle, its corners a little round."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"'
        f"{_class(names)}/>"
    )


def width_of(words: str) -> float:
    """Pixels that they take at most, about."""
    return LETTER * len(words)


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""
