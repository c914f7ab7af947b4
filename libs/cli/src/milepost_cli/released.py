"""Owns the contract of the last release in docs/api/released: keeps it, compares with it."""

import json
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from milepost_cli import checkout
from milepost_cli.contract_changes import http_changes, log_changes, sample_changes
from milepost_cli.schema_changes import Change

API = checkout.ROOT / "docs" / "api"
FOLDER = API / "released"
SAMPLES = checkout.ROOT / "tests" / "unit" / "common" / "golden_events.json"
MEANT = API / "meant-breaks.txt"
"""Breaking changes that the next release makes all the same: a line each, as it is said, with ` # `
and the reason behind it. There are none from 1.0 on."""


def last() -> Path:
    """The folder of the newest release."""
    return max(FOLDER.iterdir(), key=lambda folder: _numbers(folder.name))


def changes() -> Iterator[Change]:
    """What differs from the last release."""
    before = last()
    for name in ("submit.openapi.json", "notify.openapi.json"):
        yield from http_changes(_read(before / name), _read(API / name))
    name, samples = "log.asyncapi.json", _read(before / SAMPLES.name)
    yield from log_changes(_read(before / name), _read(API / name), samples)
    yield from sample_changes(samples, _read(SAMPLES))


def meant() -> dict[str, str]:
    """Breaking changes that are meant, with their reasons."""
    lines = MEANT.read_text().splitlines() if MEANT.exists() else []
    pairs = (line.partition(" # ") for line in lines if line)
    return {said: reason for said, _, reason in pairs}


def keep(version: str) -> Path:
    """Keep the contract as it is as that of a release; the folder. Breaks are meant no more."""
    folder = FOLDER / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in chain(API.glob("*.json"), [SAMPLES]):
        shutil.copy(file, folder)
    shutil.copytree(API / "pacts", folder / "pacts")
    MEANT.unlink(missing_ok=True)
    return folder


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _read(file: Path) -> Any:
    return json.loads(file.read_text())
