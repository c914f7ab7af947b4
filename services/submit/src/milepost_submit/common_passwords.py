"""Owns which passwords everybody tries first: the 30,000 most common, by the package zxcvbn.

No I/O besides loading that list, which takes 15 MB: at the first sign-up, not before.
"""

from functools import cache

_OURS = frozenset({"milepost"})


def is_common(password: str, username: str) -> bool:
    """Whether a password is among the commonest, or only one of those or the username over and
    over (`passwordpassw`)."""
    text = password.casefold()
    words = _words()
    if text in words:
        return True
    known = _OURS | {username.casefold()}
    for length in range(2, len(text)):
        unit = text[:length]
        listed = unit in words or unit in known
        if listed and (unit * (len(text) // length + 1)).startswith(text):
            return True
    return False


@cache
def _words() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # large, and needed by those who sign up

    return frozenset(FREQUENCY_LISTS["passwords"])
