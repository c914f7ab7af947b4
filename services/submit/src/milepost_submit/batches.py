"""Owns what becomes of a batch: all its tasks, or the first bad one's refusal. No I/O, no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue, ValidationError

from milepost.problems import field_error, field_errors
from milepost_log.commands import NewTask
from milepost_submit.decisions import Offered, decide_new, find_type, fingerprint
from milepost_submit.limits import TaskLimits
from milepost_submit.refusals import Refusal
from milepost_submit.requests import TaskRequest


class RefusedItem(Exception):
    """The first bad item of a batch."""

    def __init__(self, index: int, refusal: Refusal) -> None:
        super().__init__(index, refusal)
        self.index = index
        self.refusal = refusal


def decide_batch(
    items: Sequence[JsonValue],
    types: Mapping[str, Offered],
    *,
    owner: str,
    by_code: bool,
    fresh_id: Callable[[], str],
    limits: TaskLimits,
    parent: str | None = None,
    idempotency_key: str | None = None,
) -> list[NewTask]:
    """Accept every item, in order.

    Args:
        owner: whose batch it is; an item may name nobody else.
        idempotency_key: of the whole request; each item gets one of its own made from it, bound
            to the whole batch: another batch under the same key is another request.

    Raises:
        RefusedItem: of the first bad item.
    """
    tasks: list[NewTask] = []
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        try:
            request = read_item(item)
            _check_alone(request, index, owner, seen)
            offered = find_type(types, request.type, by_code=by_code)
            # The first has the key itself, as a request for a single task has. A header holds no
            # U+0000, so no other request has the keys of the rest.
            key = idempotency_key and (f"{idempotency_key}\0{index}" if index else idempotency_key)
            task = decide_new(
                request,
                offered,
                fresh_id=fresh_id(),
                limits=limits,
                parent=parent,
                idempotency_key=key,
            )
        except Refusal as refusal:
            raise RefusedItem(index, refusal) from refusal
        tasks.append(task)
    whole = fingerprint({"batch": [task.fingerprint for task in tasks]})
    return [replace(task, key_fingerprint=whole) for task in tasks]


def _check_alone(request: TaskRequest, index: int, owner: str, seen: dict[str, int]) -> None:
    """What only a batch can get wrong: two owners, an id twice."""
    if request.owner not in (None, owner):
        error = field_error(["owner"], "a batch has one owner")
        raise Refusal(422, "invalid", "A batch has one owner", [error])
    if request.id is not None and seen.setdefault(request.id, index) != index:
        error = field_error(["id"], f"the id of item {seen[request.id]} again")
        raise Refusal(422, "invalid", "The same id twice", [error])


def read_item(item: JsonValue) -> TaskRequest:
    """Read one item.

    Raises:
        Refusal: 422.
    """
    try:
        return TaskRequest.model_validate(item)
    except ValidationError as err:
        errors = field_errors(err.errors(include_url=False, include_input=False))
        raise Refusal(422, "invalid", "Not what this call takes", errors) from err


def types_named(items: Sequence[JsonValue]) -> set[str]:
    """The type names in a batch, as far as they are any."""
    names = (item.get("type") for item in items if isinstance(item, dict))
    return {name for name in names if isinstance(name, str)}
