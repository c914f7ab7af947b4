"""Owns task definitions: what `@task` makes of a function. Runs nothing and sends nothing."""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from milepost.errors import ParamsChanged
from milepost.progress import Progress
from milepost.task_types import TaskType

if TYPE_CHECKING:
    from milepost.handles import TaskHandle

P = ParamSpec("P")
R = TypeVar("R")

_REGISTRY: dict[str, "TaskDefinition[Any, Any]"] = {}


@dataclass(frozen=True, slots=True)
class TaskDefinition(Generic[P, R]):
    """A function with the promises it runs under. Calling it calls the function, as ever."""

    function: Callable[P, R]
    announcement: TaskType
    """What the catalogue says of it, but for the time."""
    model: type[BaseModel]
    """Params as the function wants them."""
    progress_name: str | None
    """Parameter that gets the Progress; null when it wants none."""
    model_name: str | None
    """Parameter that gets the whole model; null when params are arguments of their own."""
    max_attempts: int
    time_limit_seconds: float | None
    max_running: int | None = None
    """How many run at once in one worker process; null for as many as it has threads."""

    @property
    def max_running_per_owner(self) -> int | None:
        """How many run at once for one owner, over all workers; null for any number."""
        return self.announcement.max_running_per_owner

    @property
    def name(self) -> str:
        """The task type."""
        return self.announcement.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function right here, without any queue."""
        return self.function(*args, **kwargs)

    def submit(self, *, owner: str | None = None, **params: Any) -> "TaskHandle":
        """Submit a task of this type; see `milepost.submit`. Only params and owner fit in here."""
        from milepost.submitting import submit  # an HTTP client, for those who call it

        return submit(self.name, params, owner=owner)

    async def asubmit(self, *, owner: str | None = None, **params: Any) -> "TaskHandle":
        """The same, for asyncio."""
        from milepost.submitting import asubmit

        return await asubmit(self.name, params, owner=owner)

    def arguments(self, params: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """Check `params` and return the function's keyword arguments.

        Raises:
            ParamsChanged: they are not what the function wants (any more).
        """
        try:
            checked = self.model.model_validate(params)
        except ValidationError as err:
            raise ParamsChanged(str(err)) from err
        if self.model_name is not None:
            kwargs: dict[str, Any] = {self.model_name: checked}
        else:
            kwargs = {name: getattr(checked, name) for name in type(checked).model_fields}
        if self.progress_name is not None:
            kwargs[self.progress_name] = progress
        return kwargs


def task(
    name: str,
    *,
    title: str | None = None,
    description: str | None = None,
    queue: str = "default",
    public: bool = False,
    max_attempts: int = 3,
    time_limit_seconds: float | None = None,
    quiet_after_seconds: float = 60.0,
    max_running_per_owner: int | None = None,
    max_running: int | None = None,
) -> Callable[[Callable[P, R]], TaskDefinition[P, R]]:
    """Make a task type of a function.

    Parameters come from the annotations, or are one pydantic model; a parameter annotated
    `Progress` gets the running task's progress. `async def` works.

    Args:
        name: the type, lower-case words joined by dots, such as `image.resize`.
        title: for people; the name when not given.
        description: for people; the function's docstring when not given.
        public: whether people may submit it themselves, or only applications' backends.
        max_attempts: how often it is tried in all, at least 1.
        time_limit_seconds: how long one attempt may run; null: as long as it likes.
        quiet_after_seconds: without news for so long it is shown as quiet.
        max_running_per_owner: so many run at once for one owner, over all workers, at least 1; the
            rest waits in no other owner's way. Null: any number.
        max_running: so many run at once in one worker process, at least 1; null: any number.

    Raises:
        TypeError: a parameter has no annotation, or the name is taken.
        ValueError: `max_running` is less than 1.
        pydantic.ValidationError: the name, queue or `max_running_per_owner` cannot be one.
    """

    if max_running is not None and max_running < 1:
        raise ValueError(f"max_running is at least 1, not {max_running}")

    def define(function: Callable[P, R]) -> TaskDefinition[P, R]:
        model, model_name, progress_name = _params(name, function)
        announcement = TaskType(
            name=name,
            title=title or name,
            description=description or inspect.getdoc(function) or "",
            queue=queue,
            public=public,
            params_schema=model.model_json_schema(),
            quiet_after_seconds=quiet_after_seconds,
            max_running_per_owner=max_running_per_owner,
        )
        known = _REGISTRY.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise TypeError(f"the task type {name!r} is defined twice")
        definition = TaskDefinition(
            function, announcement, model, progress_name, model_name,
            max_attempts, time_limit_seconds, max_running,
        )  # fmt: skip
        _REGISTRY[name] = definition
        return definition

    return define


def definitions() -> dict[str, TaskDefinition[Any, Any]]:
    """Every task type defined by modules imported so far, by name."""
    return dict(_REGISTRY)


def _params(
    name: str, function: Callable[..., Any]
) -> tuple[type[BaseModel], str | None, str | None]:
    """The params model of a function, and which parameters get the model and the Progress."""
    hints = typing.get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    progress_name = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{name}: *{parameter.name} cannot be described to a client")
        if parameter.name not in hints:
            raise TypeError(f"{name}: the parameter {parameter.name!r} has no annotation")
        hint = hints[parameter.name]
        if hint is Progress:
            progress_name = parameter.name
        else:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hint, default)
    if len(fields) == 1:
        ((only, (hint, _)),) = fields.items()
        if inspect.isclass(hint) and issubclass(hint, BaseModel):
            return hint, only, progress_name
    config = ConfigDict(extra="forbid")
    return create_model(f"{name} params", __config__=config, **fields), None, progress_name


def is_async(definition: TaskDefinition[Any, Any]) -> bool:
    """Whether the function has to be awaited."""
    return inspect.iscoroutinefunction(definition.function)
