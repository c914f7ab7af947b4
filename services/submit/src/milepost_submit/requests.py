"""Owns the form of what clients send to and get from submit. Judges no meaning, knows no state."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, JsonValue, WithJsonSchema

from milepost import bulk
from milepost.ids import canonical_task_id
from milepost.keys import Priority
from milepost.task_state import Status
from milepost_service.described import CURSOR, LINE, OWNER, TASK_ID
from milepost_service.strict_model import Body

MAX_DELAY_SECONDS = 365 * 24 * 3600
MAX_TITLE_CHARS = 200
MAX_TAGS = 10
MAX_TAG_CHARS = 64
MAX_BATCH = 1000
MAX_LETTERS = 100
MAX_REASON_CHARS = 200
LETTER = r"^[0-9]{1,4}:[0-9]{1,19}-[0-9]{1,19}$"
"""Partition and stream id, whose numbers have 64 bits."""
_REFUSED = frozenset(("Cc", "Cs", "Zl", "Zp"))


def printable(text: str) -> str:
    """Return the text if people can read it.

    Raises:
        ValueError: control characters, line breaks, or white space alone.
    """
    if any(unicodedata.category(char) in _REFUSED for char in text):
        raise ValueError("no control characters or line breaks")
    if not text.strip():
        raise ValueError("not white space alone")
    return text


def _task_id(text: str) -> str:
    task_id = canonical_task_id(text)
    if task_id is None:
        raise ValueError("a UUIDv7")
    return task_id


Title = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TITLE_CHARS, json_schema_extra={**LINE}),
    AfterValidator(printable),
]
Tag = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TAG_CHARS, json_schema_extra={**LINE}),
    AfterValidator(printable),
]
TaskId = Annotated[str, AfterValidator(_task_id), WithJsonSchema({"type": "string", **TASK_ID})]
Owner = Annotated[str, WithJsonSchema({"type": "string", **OWNER})]


class TaskRequest(Body):
    """One task to run."""

    type: str
    """Name of an announced task type."""
    params: dict[str, Any]
    """What the type's JSON Schema asks for."""
    id: TaskId | None = None
    """A UUIDv7 of the client's, by which the request may be repeated; null: made here."""
    title: Title | None = None
    """Null: the type's."""
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS, default_factory=list)]
    delay_seconds: Annotated[float, Field(ge=0, le=MAX_DELAY_SECONDS)] | None = None
    """Not before so long from now; null or 0: at once."""
    priority: Priority = "normal"
    owner: Owner | None = None
    """Null: the caller. Another needs the scope `service`."""


class BatchRequest(Body):
    """Tasks of one owner, accepted all or none. Each is judged in turn, so they are raw here."""

    tasks: Annotated[
        list[JsonValue],
        Field(min_length=1, max_length=MAX_BATCH),
        WithJsonSchema(
            {
                "type": "array",
                "items": {"$ref": "#/components/schemas/TaskRequest"},
                "minItems": 1,
                "maxItems": MAX_BATCH,
            }
        ),
    ]
    owner: Owner | None = None
    """Of all tasks that name none themselves."""


class ReadRequest(Body):
    """A position up to which everything has been seen."""

    until: Annotated[str, WithJsonSchema({"type": "string", **CURSOR})]
    """Any cursor or revision."""
    owner: Owner | None = None


class TaskAnswer(BaseModel):
    """An accepted task."""

    id: str
    type: str
    title: str
    status: Status
    """As of acceptance: `queued` or `scheduled`."""
    revision: str
    """Pass it to notify as `at_least`."""


class BatchAnswer(BaseModel):
    """Accepted tasks, in the order of the request."""

    tasks: list[TaskAnswer]


class CancelAnswer(BaseModel):
    """A task that was asked to stop."""

    id: str
    status: Status


class PauseRequest(Body):
    """Why something is paused."""

    reason: (
        Annotated[
            str,
            Field(min_length=1, max_length=MAX_REASON_CHARS, json_schema_extra={**LINE}),
            AfterValidator(printable),
        ]
        | None
    ) = None
    """Everybody whose tasks wait may read it; null for none."""


class PauseAnswer(BaseModel):
    """A queue or task type that an operator has paused."""

    what: Literal["queue", "type"]
    name: str
    since: str
    by: str
    """The operator who said so last."""
    reason: str | None
    everywhere: bool
    """Whether it holds in all partitions; if not, a command was cut short: repeat it."""


class PausesAnswer(BaseModel):
    """Everything that is paused, queues first, by name."""

    pauses: list[PauseAnswer]


class BulkRequest(Body):
    """What to do to many tasks."""

    action: bulk.Action
    """`cancel`: live tasks; `retry`: failed and cancelled ones; `redrive`: those whose queue entry
    is a dead letter. Others that the filter finds are passed over."""
    filter: bulk.BulkFilter
    """Which tasks; `{}` for all."""
    dry_run: bool = False
    """Change nothing, and say what would be done."""


class BulkAnswer(TaskAnswer):
    """The accepted task that acts on many."""

    owner: str
    """The operator, who owns it: `GET /api/notify/admin/tasks/{id}?owner=` tells of it."""


class LettersRequest(Body):
    """Some dead letters."""

    ids: Annotated[
        list[Annotated[str, Field(max_length=100, pattern=LETTER)]],
        Field(min_length=1, max_length=MAX_LETTERS),
    ]
    """As `GET /api/notify/admin/dead-letters` names them."""


class LetterOutcome(BaseModel):
    """What became of a dead letter."""

    id: str
    done: bool
    reason: str | None
    """Why not; null when it was done."""


class LettersAnswer(BaseModel):
    """What became of each, in no order."""

    outcomes: list[LetterOutcome]


class TaskTypeAnswer(BaseModel):
    """A task type that the caller may submit."""

    name: str
    title: str
    description: str
    queue: str
    public: bool
    params_schema: dict[str, Any]
    """JSON Schema 2020-12."""
