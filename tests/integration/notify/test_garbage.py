"""What nobody can read, put by hand into the log: dead letters with reasons; the others go on."""

from typing import Any

from milepost import events as e
from milepost.keys import PartitionKeys
from milepost.settings import Settings
from notify_surroundings import Person, Scribe, task_id

LARGE = "x" * 10_000_000
CREATED = '{"task_type":"a.b","title":"T","queue":"default","params":{}}'


async def test_garbage_in_the_log_is_kept_with_a_reason_and_the_others_go_on(
    log: Scribe, settings: Settings, person: Any
) -> None:
    bob: Person = person("bob")
    rows: list[dict[Any, Any]] = [
        {"t": "created", "k": task_id(2), "o": "bob", "a": 0, "d": LARGE},
        {"t": "from.later/7", "k": task_id(3), "o": "bob", "a": 0, "d": LARGE},
        {"t": "created", "k": LARGE[:65], "o": "bob", "a": 0, "d": CREATED},
        {"t": "created", "k": task_id(4), "o": "b" * 256, "a": 0, "d": CREATED},
        {"t": "created", "k": task_id(5), "o": "bob\x00", "a": 0, "d": CREATED},
        {"t": b"\xff", b"\xfe": b"\x00"},
        {"t": "created", "k": task_id(6), "o": "bob", "a": 0, "d": "{nonsense"},
    ]
    for row in rows:
        await log.raw("bob", row)
    created = e.TaskCreated(task_type="a.b", title="T", queue="default", params={})
    await bob.seen(await log.tell(created, task_id(1)))
    assert (await bob.read(f"/tasks/{task_id(1)}"))["status"] == "queued"
    letters = await log.entries(PartitionKeys(settings.namespace, 0).dead)
    reasons = [fields[b"reason"].decode() for _, fields in letters]
    words = ["bytes of data", "bytes of data", "65 characters", "255 characters",
             "control characters", "not UTF-8", "Invalid JSON"]  # fmt: skip
    for word, reason in zip(words, reasons, strict=True):
        assert word in reason
    assert all(fields[b"stream"] == b"log" for _, fields in letters)
    assert max(len(value) for _, fields in letters for value in fields.values()) <= 500
