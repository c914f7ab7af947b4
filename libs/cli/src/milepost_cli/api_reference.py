"""Owns the page docs/api/README.md: every endpoint and event in a line, as the code has them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from milepost.events import Payload

Document = Mapping[str, Any]

_HEAD = """# Every endpoint and event

Made by `./milepost api` from the code. In detail: [submit](submit.openapi.json) and
[notify](notify.openapi.json) as OpenAPI, [the log](log.asyncapi.json) as AsyncAPI. Settings are in
the [README](../../README.md#settings), metrics in
[Seeing how it does](../observability.md#metrics).
"""


class Undocumented(Exception):
    """There is an endpoint or an event of which nothing is said."""


def page(services: Mapping[str, Document], events: Mapping[str, type[Payload]]) -> str:
    """The page.

    Raises:
        Undocumented: nothing is said of something, or of a field.
    """
    parts = [_HEAD]
    for service, document in services.items():
        rows = [f"| `{call}` | {about} |" for call, about in _endpoints(document)]
        parts.append("\n".join([f"## {service}", "", "| call | does |", "|---|---|", *rows, ""]))
    rows = [f"| `{name}` | {about} | {data} |" for name, about, data in _events(events)]
    head = ["## The log", "", "| event | says | data |", "|---|---|---|"]
    parts.append("\n".join([*head, *rows, ""]))
    return "\n".join(parts)


def _endpoints(document: Document) -> Iterator[tuple[str, str]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            call = f"{method.upper()} {path}"
            yield call, _sentence(operation.get("description"), call)


def _events(events: Mapping[str, type[Payload]]) -> Iterator[tuple[str, str, str]]:
    for name, payload in events.items():
        fields = ", ".join(f"`{field}`" for field in payload.model_fields)
        yield name, _sentence(payload.__doc__, name), fields


def _sentence(text: str | None, what: str) -> str:
    """The first sentence, in one line of a table."""
    if not text or not text.strip():
        raise Undocumented(f"{what} says nothing about itself: write its docstring")
    line = " ".join(text.split("\n\n")[0].split())
    first = re.match(r".*?\.(?= |$)", line)
    return (first[0] if first else line).replace("|", "\\|")
