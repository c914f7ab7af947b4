"""Owns `milepost api`: writes the documents of both HTTP interfaces and of the log to docs/api, and
says what differs from the last release."""

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import milepost_notify.main
import milepost_submit.main
from milepost.events import type_names
from milepost.settings import Settings
from milepost_cli import api_reference, asyncapi, checkout, released

FOLDER = checkout.ROOT / "docs" / "api"


def run() -> int:
    """Write all documents; the exit status."""
    if not checkout.is_here():
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents():
        (FOLDER / name).write_text(text)
        sys.stdout.write(f"wrote docs/api/{name}\n")
    for change in released.changes():
        word = "BREAKS " if change.breaking else "changed"
        sys.stdout.write(f"{word} since {released.last().name}: {change}\n")
    return 0


def documents() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every document, as the code has them. Connects to nothing."""
    settings = Settings.model_construct(
        **{name: field.default for name, field in Settings.model_fields.items()}
    ).model_copy(update={"secret": "x" * 32, "database_url": "sqlite:///unused.db"})
    services = dict[str, dict[str, Any]]()
    for name, build in (
        ("submit.openapi.json", milepost_submit.main.build),
        ("notify.openapi.json", milepost_notify.main.build),
    ):
        services[name.partition(".")[0]] = document = build(settings).openapi()
        yield name, _text(document)
    yield "log.asyncapi.json", _text(asyncapi.document(version("milepost")))
    yield "README.md", api_reference.page(services, type_names)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
