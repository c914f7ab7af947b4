"""Owns which passwords everybody tries first: the 30,000 most common, by the package zxcvbn.

No I/O besides loading that list, which takes 15 MB: at the first sign-up, not before.
"""

import unicodedata
from functools import cache

_OURS = frozenset({"milepost"})


def is_common(password: str, username: str) -> bool:
    """Whether a password is among the commonest, or only one of those or the username, once or
    over and over (`passwordpassw`), in whatever width and case it is typed."""
    text = _folded(password)
    words = _words()
    known = _OURS | {_folded(username)}
    for length in range(2, len(text) + 1):
        unit = text[:length]
        listed = unit in words or unit in known
        if listed and (unit * (len(text) // length + 1)).startswith(text):
            return True
    return False


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _words() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # large, and needed by those who sign up

    return frozenset(FREQUENCY_LISTS["passwords"])
