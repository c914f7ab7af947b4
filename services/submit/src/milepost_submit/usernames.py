"""Owns what a username and a password have to be, and when two usernames are one. No I/O."""

import unicodedata

import disarm

from milepost.errors import InvalidValue
from milepost.owners import LOCAL_PREFIX

MAX_USERNAME_CHARS = 64
MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 1024
_ALIKE = str.maketrans("01|", "oll")
_REFUSED = frozenset(("Cc", "Cs", "Zl", "Zp"))  # controls, surrogates, line and paragraph breaks


def check_username(text: str) -> str:
    """Return the username in NFC: 1..64 characters, no control characters, no outer white space.

    Raises:
        InvalidValue: it cannot be a username.
    """
    name = unicodedata.normalize("NFC", text)
    if not 1 <= len(name) <= MAX_USERNAME_CHARS:
        raise InvalidValue(f"a username has 1 to {MAX_USERNAME_CHARS} characters")
    if name != name.strip():
        raise InvalidValue("a username does not begin or end with white space")
    if any(unicodedata.category(char) in _REFUSED for char in name):
        raise InvalidValue("a username has no control characters")
    if not skeleton(name):
        raise InvalidValue("a username has something in it that people can see")
    return name


def fold_username(text: str) -> str:
    """What two spellings of one username have in common (Unicode 15, section 3.13, D147)."""
    folded = unicodedata.normalize("NFD", text).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return unicodedata.normalize("NFKC", folded)


def skeleton(text: str) -> str:
    """What usernames have in common that look alike (Unicode Technical Standard 39, section 4).

    By the package disarm, which folds what is seen: letters of other scripts (a Cyrillic `a` in
    `paypal`), invisible characters, case. It leaves apart what only looks alike within ASCII; the
    standard does not, and so these are folded here.
    """
    look = disarm.skeleton_key(text).translate(_ALIKE)
    return look.replace("rn", "m")


def check_password(text: str) -> str:
    """Return the password in NFC, as keyboards differ in how they compose: 12..1024 characters.

    Raises:
        InvalidValue: too short or too long.
    """
    password = unicodedata.normalize("NFC", text)
    if len(password) < MIN_PASSWORD_CHARS:
        raise InvalidValue(f"a password has at least {MIN_PASSWORD_CHARS} characters")
    if len(password) > MAX_PASSWORD_CHARS:
        raise InvalidValue(f"a password has at most {MAX_PASSWORD_CHARS} characters")
    return password


def local_owner(username: str) -> str:
    """The owner that an account is."""
    return LOCAL_PREFIX + username
