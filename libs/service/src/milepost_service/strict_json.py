"""Owns reading JSON that is what it seems (RFC 8259, I-JSON): knows no request and no model."""

import json
import sys
from typing import Any, NoReturn

MAX_DEPTH = 32
"""Arrays and objects inside each other, the outermost included; a setting may lower it."""


class NotJson(Exception):
    """The bytes are not JSON that everybody reads alike; the message says why."""


def loads(raw: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Read one JSON value.

    Refuses what readers disagree on or later steps choke on: bytes that are not UTF-8, NaN and
    Infinity, numbers beyond a double, duplicate names, lone surrogates, U+0000 and nesting over
    `max_depth`. Uses no recursion of its own.

    Raises:
        NotJson: with a reason for people.
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as err:
        raise NotJson(f"not UTF-8 at byte {err.start}") from err
    except json.JSONDecodeError as err:
        raise NotJson(f"{err.msg} at line {err.lineno}, column {err.colno}") from err
    except RecursionError as err:
        raise NotJson(f"nested deeper than {max_depth} levels") from err
    except ValueError as err:  # an integer of more digits than Python converts
        raise NotJson("a number is beyond the range of a double") from err
    _check(value, max_depth)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("an object has the same name twice")
    return found


def _constant(_: str) -> NoReturn:
    raise NotJson("NaN and Infinity are not JSON")


def _check(outermost: Any, max_depth: int) -> None:
    """Look at every value, level by level, so that no depth needs a stack."""
    level: list[Any] = [outermost]
    depth = 0
    while level:
        inner: list[Any] = []
        nested = False
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict):
                nested = True
                inner += value.keys()  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]  # JSON
                inner += value.values()  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]  # JSON
            elif isinstance(value, list):
                nested = True
                inner += value
            elif isinstance(value, int | float) and abs(value) > sys.float_info.max:
                raise NotJson("a number is beyond the range of a double")
        depth += nested
        if depth > max_depth:
            raise NotJson(f"nested deeper than {max_depth} levels")
        level = inner


def _check_text(text: str) -> None:
    if "\0" in text:
        raise NotJson("U+0000 is not accepted in text")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as err:
            raise NotJson("a string has half of a surrogate pair") from err
