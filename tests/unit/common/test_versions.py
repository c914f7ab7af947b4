"""An event once released is read for ever: golden samples of every version, and upcasters."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest

from milepost import codec
from milepost import events as e
from milepost.cursors import StreamId
from milepost.errors import NewerEvent

GOLDEN = Path(__file__).parent / "golden_events.json"
"""What was written once, field by field. Samples are added, never changed: what they show is what
is in logs and histories out there."""
ID = StreamId(1795381377532, 7)


def golden() -> list[dict[str, Any]]:
    return json.loads(GOLDEN.read_text())


def decoded(fields: dict[str, str]) -> e.Event:
    stored = {name.encode(): value.encode() for name, value in fields.items()}
    return codec.decode(3, str(ID).encode(), stored)


def test_every_event_ever_released_is_still_decoded():
    for sample in golden():
        event = decoded(sample["fields"])
        assert codec.type_and_version(sample["fields"]["t"]) == (sample["type"], sample["v"])
        assert event.payload.type == sample["type"]
        assert event.payload.model_dump(mode="json") == sample["data"]
        beside = {"at": event.at, "by": list(event.by), "trace": event.trace}
        assert beside == sample.get("beside", beside)


def test_every_version_of_every_type_has_a_golden_sample_and_a_way_to_the_newest():
    released = {(name, v) for name, model in e.type_names.items() for v in range(1, model.v + 1)}
    assert {(row["type"], row["v"]) for row in golden()} == released
    newest = {(name, model.v) for name, model in e.type_names.items()}
    assert codec.UPCASTERS.keys() == released - newest


def test_every_field_of_every_event_is_in_a_golden_sample():
    shown: set[tuple[str, str]] = set()
    beside: set[str] = set()
    for sample in golden():
        shown |= {(sample["type"], name) for name in json.loads(sample["fields"]["d"])}
        beside |= sample["fields"].keys()
    fields = {(type, name) for type, model in e.type_names.items() for name in model.model_fields}
    assert not fields - shown, "add a sample that has it"
    assert beside == {"t", "k", "o", "a", "d", "at", "b", "x"}


class _StartedOnWorkers(e.Payload):
    """`task.started` as it might be in its third version."""

    type = "task.started"
    v: ClassVar[int] = 3

    workers: tuple[str, ...]
    """Version 1 had one `worker`, version 2 called it `host`."""


def _renamed(data: dict[str, Any]) -> dict[str, Any]:
    return {"host": data["worker"]}


def _listed(data: dict[str, Any]) -> dict[str, Any]:
    return {"workers": [data["host"]]}


@pytest.fixture
def third_version() -> Generator[None]:
    steps = {("task.started", 1): _renamed, ("task.started", 2): _listed}
    with (
        patch.dict(e.type_names, {"task.started": _StartedOnWorkers}),
        patch.dict(codec.UPCASTERS, steps),
    ):
        yield


@pytest.mark.usefixtures("third_version")
@pytest.mark.parametrize(
    ("stored", "data"),
    [
        ("started", '{"worker":"w"}'),
        ("started/2", '{"host":"w"}'),
        ("started/3", '{"workers":["w"]}'),
    ],
)
def test_an_older_version_goes_through_every_upcaster_up_to_the_newest(stored: str, data: str):
    event = decoded({"t": stored, "k": "t1", "o": "bob", "a": "1", "d": data})
    assert event.payload == _StartedOnWorkers(workers=("w",))


@pytest.mark.usefixtures("third_version")
def test_the_newest_version_is_what_is_written():
    event = decoded({"t": "started", "k": "t1", "o": "bob", "a": "1", "d": '{"worker":"w"}'})
    fields = codec.encode(event)
    assert (fields["t"], fields["d"]) == ("started/3", '{"workers":["w"]}')
    assert decoded(fields) == event


@pytest.mark.usefixtures("third_version")
def test_a_version_beyond_the_newest_is_left_to_later_code():
    with pytest.raises(NewerEvent, match="version 4, this code knows up to 3"):
        decoded({"t": "started/4", "k": "t1", "o": "bob", "a": "1", "d": "{}"})
