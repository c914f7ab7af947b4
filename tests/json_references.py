"""Finds the references in a JSON Schema or OpenAPI document, for tests of their truth."""

from collections.abc import Iterator
from typing import cast


def references(value: object) -> Iterator[str]:
    """Every `$ref` in it."""
    if isinstance(value, dict):
        for name, inner in cast(dict[str, object], value).items():
            if name == "$ref":
                yield str(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in cast(list[object], value):
            yield from references(inner)
