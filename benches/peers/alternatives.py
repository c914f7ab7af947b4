"""Processor time of event encodings and JSON Schema checks, ours and others, in turn; prints JSON.

Each decodes and encodes the `d` field of the two events that there are most of, as stored. The
structs of msgspec have the fields, bounds and defaults of ours; orjson checks nothing.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import fastjsonschema
import jsonschema
import jsonschema_rs
import msgspec
import orjson

from milepost import codec
from milepost.events import TaskCreated, TaskProgressed

Percent = Annotated[float, msgspec.Meta(ge=0, lt=100)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Progressed(msgspec.Struct, omit_defaults=True):
    """As `TaskProgressed`."""

    progress: Percent
    indeterminate: bool = False
    done: float | None = None
    total: float | None = None
    message: str | None = None
    step: str | None = None


class Created(msgspec.Struct, omit_defaults=True):
    """As `TaskCreated`, of which this has what is stored here."""

    task_type: str
    title: str
    queue: str
    params: dict[str, Any]
    priority: str = "normal"
    tags: list[str] = []
    quiet_after_seconds: Seconds = 60.0
    parent: str | None = None
    retry_of: str | None = None


CREATED = (
    b'{"task_type":"demo.steps","title":"A demonstration","queue":"default",'
    b'"params":{"steps":10,"seconds":1}}'
)
PROGRESSED = b'{"progress":12.5,"done":125.0,"total":1000.0,"message":"row 125","step":"import"}'
FIELDS = {
    b"t": b"progressed",
    b"k": b"01977b6a-5c00-7000-8000-000000000001",
    b"o": b"owner 1",
    b"a": b"1",
    b"d": PROGRESSED,
}
SCHEMA = {
    "type": "object",
    "properties": {"to": {"type": "string", "maxLength": 100}, "count": {"type": "integer"}},
    "required": ["to"],
    "additionalProperties": False,
}
PARAMS = {"to": "somebody", "count": 3}


def micros(step: Callable[[], object], count: int) -> float:
    """Of processor time, each."""
    step()
    before = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - before) / count * 1e6


def steps() -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    progressed = codec.decode_data("task.progressed", 1, PROGRESSED)
    created = codec.decode_data("task.created", 1, CREATED)
    assert isinstance(progressed, TaskProgressed)
    assert isinstance(created, TaskCreated)
    of_progressed, of_created = msgspec.json.Decoder(Progressed), msgspec.json.Decoder(Created)
    encoder = msgspec.json.Encoder()
    structs = of_progressed.decode(PROGRESSED), of_created.decode(CREATED)
    plain = orjson.loads(PROGRESSED), orjson.loads(CREATED)
    ours = jsonschema_rs.Draft202012Validator(SCHEMA)
    slow: Any = jsonschema.Draft202012Validator(SCHEMA)
    compiled: Any = fastjsonschema.compile(SCHEMA)
    return {
        "entry": lambda: codec.decode(0, b"1800000000000-0", FIELDS),
        "progressed read pydantic": lambda: TaskProgressed.model_validate_json(PROGRESSED),
        "progressed read msgspec": lambda: of_progressed.decode(PROGRESSED),
        "progressed read orjson": lambda: orjson.loads(PROGRESSED),
        "created read pydantic": lambda: TaskCreated.model_validate_json(CREATED),
        "created read msgspec": lambda: of_created.decode(CREATED),
        "created read orjson": lambda: orjson.loads(CREATED),
        "progressed written pydantic": lambda: codec.encode_data(progressed),
        "progressed written msgspec": lambda: encoder.encode(structs[0]),
        "progressed written orjson": lambda: orjson.dumps(plain[0]),
        "created written pydantic": lambda: codec.encode_data(created),
        "created written msgspec": lambda: encoder.encode(structs[1]),
        "created written orjson": lambda: orjson.dumps(plain[1]),
        "checked jsonschema-rs": lambda: ours.validate(PARAMS),
        "checked fastjsonschema": lambda: compiled(PARAMS),
        "checked jsonschema": lambda: slow.validate(PARAMS),
    }


if __name__ == "__main__":
    count = int(sys.argv[1])
    print(json.dumps({name: micros(step, count) for name, step in steps().items()}))
