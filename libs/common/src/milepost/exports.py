"""Owns the links of exports: what one stands for, signed, for its owner alone, for a day. No HTTP.

A link names no file: it says whose history, up to which event, in which form, and notify makes the
same bytes of that whenever it is asked (docs/adr/0041). It opens nothing by itself: whoever asks
has to be its owner as well.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import jwt

from milepost.cursors import Cursor
from milepost.errors import InvalidToken, InvalidValue
from milepost.tokens import claims_of

Format = Literal["csv", "json"]

AUDIENCE = "milepost-export"
"""No session and no bearer token is one of these, nor the reverse."""
LINK_SECONDS = 24 * 3600
MAX_TICKET_CHARS = 4096
ROW_STARTS: dict[Format, bytes] = {"csv": b"\r\n", "json": b"\n{"}
"""Comes once for each task of a file, in CSV once more at its end, and nowhere else."""


class ExpiredLink(InvalidToken):
    """It was good once."""


@dataclass(frozen=True, slots=True)
class Export:
    """What a link stands for."""

    owner: str
    format: Format
    until: Cursor
    """A revision: everything of the owner up to this event, as it was then."""
    expires_at: float
    """Seconds since the epoch."""


def ticket(export: Export, secret: str) -> str:
    """The last part of a link, URL-safe."""
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "sub": export.owner,
        "exp": int(export.expires_at),
        "until": str(export.until),
        "format": export.format,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def read_ticket(text: str, secrets: tuple[str, ...], *, owner: str, now: float) -> Export:
    """What a link stands for, to `owner`.

    Args:
        secrets: every one counts.
        now: seconds since the epoch.

    Raises:
        ExpiredLink: it is past its time.
        InvalidToken: it is none of ours, or another owner's.
    """
    if len(text) > MAX_TICKET_CHARS:
        raise InvalidToken("too long for a link")
    export = _read(claims_of(text, secrets, audience=AUDIENCE))
    if export.owner != owner:
        raise InvalidToken("another owner's link")
    if export.expires_at <= now:
        raise ExpiredLink("the link has expired")
    return export


def _read(claims: dict[str, Any]) -> Export:
    try:
        form = claims["format"]
        if form not in get_args(Format):
            raise InvalidValue("no such format")  # noqa: TRY301  # said as all else that is wrong
        until = Cursor.parse(claims["until"])
        return Export(str(claims["sub"]), cast(Format, form), until, float(claims["exp"]))
    except (InvalidValue, KeyError, TypeError, ValueError, OverflowError) as err:
        raise InvalidToken("not a link of ours") from err
