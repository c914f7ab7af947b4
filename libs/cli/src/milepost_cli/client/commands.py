"""The commands of the terminal client (typer). Each asks, shows and says how it came out; what is
said to the services is in `asked` and in the SDK's conversations.

Exit status: see `outcome`.
"""

import json
import sys
import time
from secrets import token_bytes
from typing import Annotated, Any, Literal

import typer

from milepost.conversations import cancelled, followed, read, submitted
from milepost.errors import InvalidValue
from milepost.exchanges import Conversation, within
from milepost.http_exchange import Access, run, told
from milepost.ids import uuid7
from milepost.records import Task
from milepost.task_state import ENDED
from milepost_cli.client import asked, outcome, words
from milepost_cli.client.destination import destination
from milepost_cli.client.params import params_of
from milepost_cli.client.screen import screen
from milepost_cli.printable import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="of Milepost; else MILEPOST_URL, the last login's, `up`'s"),
]
DataDir = Annotated[
    str | None, typer.Option(metavar="DIR", help="of a running `up` to talk to (.milepost)")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="of a task", show_default=False)]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="of tasks", show_default=False)]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", min=0, help="wait no longer, exit status 4", show_default=False
    ),
]
Tag = Annotated[str | None, typer.Option(metavar="TAG", help="only those with it")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="print its id, wait not")]


@app.command()
def send(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="such as mail.send")],
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE...",
            help="its params; a list: once for each element; KEY:=JSON as it is",
            show_default=False,
        ),
    ] = None,
    params: Annotated[
        str | None, typer.Option(metavar="JSON", help="params as an object; - reads them")
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="for people")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="may be repeated")] = None,
    delay: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="start no sooner")
    ] = None,
    priority: Annotated[
        Literal["high", "normal", "low"] | None, typer.Option(help="among your own tasks")
    ] = None,
    detach: Detach = False,
    timeout: Timeout = None,
    as_json: Json = False,
    url: Url = None,
    data_dir: DataDir = None,
) -> int:
    """Submit a task and watch it to its end."""
    access = destination(url, data_dir).access()
    given = _object(sys.stdin.read() if params == "-" else params) if params else {}
    if assignments:
        schema = asked.type_named(run(asked.task_types(), access), type_).params_schema
        given |= params_of(assignments, schema)
    body: dict[str, Any] = {"type": type_, "params": given, "id": _new_id()}
    body |= {"title": title, "tags": tag, "delay_seconds": delay, "priority": priority}
    answer = run(submitted({k: v for k, v in body.items() if v is not None}), access)
    return _accepted(answer, access, detach=detach, timeout=timeout, as_json=as_json)


@app.command()
def watch(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID...]", help="of tasks; none: all, for ever", show_default=False),
    ] = None,
    tag: Tag = None,
    timeout: Timeout = None,
    as_json: Json = False,
    url: Url = None,
    data_dir: DataDir = None,
) -> int:
    """Watch tasks move: those named to their end, or all of yours until Ctrl-C."""
    access = destination(url, data_dir).access()
    if ids and len(ids) == 1:
        ended = _follow(ids[0], access, timeout=timeout, as_json=as_json)
        return outcome.status_after(ended.status)
    shown = dict[str, Task]()
    if ids:
        following = within(asked.several(shown, ids), timeout, time.monotonic)
        _table(following, shown, access, as_json=as_json)
        return outcome.status_after(*[task.status for task in shown.values()])
    everything = within(asked.everything(shown, tag), timeout, time.monotonic)
    with screen(as_json=as_json) as live:
        for task in told(everything, access):
            if as_json:
                _print(json.dumps(task.model_dump(exclude={"params"}), ensure_ascii=False))
                sys.stdout.flush()
            newest = sorted(shown.values(), key=lambda each: each.created_at, reverse=True)
            live.show(sorted(newest, key=lambda each: each.status in ENDED), task)
    return outcome.SUCCEEDED


@app.command()
def tasks(
    status: Annotated[
        Literal["active", "ended", "all"], typer.Option(help="dismissed ones only with all")
    ] = "all",
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="of one type")] = None,
    tag: Tag = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="so many")] = 20,
    as_json: Json = False,
    url: Url = None,
    data_dir: DataDir = None,
) -> int:
    """List your tasks, the newest first."""
    query = {"status": status, "type": type_, "tag": tag}
    given = {key: value for key, value in query.items() if value is not None}
    found = run(asked.tasks(given, limit), destination(url, data_dir).access())
    if as_json:
        _print(json.dumps(found, ensure_ascii=False))
    else:
        for each in found:
            _print(words.line(Task.model_validate({"params": {}, **each})))
        if not found:
            _print("no tasks")
    return outcome.SUCCEEDED


@app.command()
def show(id: Id, as_json: Json = False, url: Url = None, data_dir: DataDir = None) -> int:
    """Show everything of a task, with its history."""
    access = destination(url, data_dir).access()
    task, events = run(read(id, None), access), run(asked.events(id), access)
    if as_json:
        _print(json.dumps({**task.model_dump(), "events": events}, ensure_ascii=False))
    else:
        _print(*words.page(task), "", "  history", *map(words.event, events))
    return outcome.SUCCEEDED


@app.command()
def explain(id: Id, as_json: Json = False, url: Url = None, data_dir: DataDir = None) -> int:
    """Say why a task is not running, or not done."""
    found = run(asked.explanation(id), destination(url, data_dir).access())
    _print(json.dumps(found, ensure_ascii=False) if as_json else printable(found["words"]))
    return outcome.SUCCEEDED


@app.command()
def cancel(ids: Ids, as_json: Json = False, url: Url = None, data_dir: DataDir = None) -> int:
    """Ask tasks to stop; they may still succeed."""
    access = destination(url, data_dir).access()
    for each in ids:
        answer = run(cancelled(each, None), access)
        said = "cancelled" if answer["status"] == "cancelled" else "asked to stop"
        _print(json.dumps(answer) if as_json else f"{each}  {said}")
    return outcome.SUCCEEDED


@app.command()
def retry(
    id: Id,
    detach: Detach = False,
    timeout: Timeout = None,
    as_json: Json = False,
    url: Url = None,
    data_dir: DataDir = None,
) -> int:
    """Run a failed or cancelled task again, as a new one, and watch that."""
    access = destination(url, data_dir).access()
    answer = run(asked.again(id, _new_id()), access)
    return _accepted(answer, access, detach=detach, timeout=timeout, as_json=as_json)


def _accepted(
    answer: dict[str, Any], access: Access, *, detach: bool, timeout: float | None, as_json: bool
) -> int:
    """What a command does with a task that was just accepted."""
    if detach:
        _print(json.dumps(answer, ensure_ascii=False) if as_json else answer["id"])
        return outcome.SUCCEEDED
    at_least = answer["revision"]
    task = _follow(answer["id"], access, timeout=timeout, as_json=as_json, at_least=at_least)
    return outcome.status_after(task.status)


def _follow(
    id: str, access: Access, *, timeout: float | None, as_json: bool, at_least: str | None = None
) -> Task:
    """Show a task to its end, then what it came to."""
    following = within(followed(id, None, at_least), timeout, time.monotonic)
    task: Task | None = None
    try:
        with screen(as_json=as_json) as live:
            for task in told(following, access):
                live.show([task], task)
    except (KeyboardInterrupt, TimeoutError):
        if task is None or task.status not in ENDED:
            goes_on = f"the task goes on: `./milepost watch {id}`, to stop it `cancel {id}`"
            outcome.complain(goes_on)
        raise
    assert task is not None, "a conversation that ends has told the end"
    if as_json:
        _print(json.dumps(task.model_dump(), ensure_ascii=False))
    elif (result := words.result(task)) is not None:
        _print(result)
    return task


def _table(
    following: Conversation[None], shown: dict[str, Task], access: Access, *, as_json: bool
) -> None:
    """Show tasks beside each other to the end of all; as JSON each when it ends."""
    try:
        with screen(as_json=as_json) as live:
            for task in told(following, access):
                live.show(shown.values(), task)
                if as_json and task.status in ENDED:
                    _print(json.dumps(task.model_dump(), ensure_ascii=False))
                    sys.stdout.flush()
    except (KeyboardInterrupt, TimeoutError):
        if going := " ".join(id for id, task in shown.items() if task.status not in ENDED):
            goes_on = f"the tasks go on: `./milepost watch {going}`, to stop them `cancel {going}`"
            outcome.complain(goes_on)
        raise


def _object(text: str) -> dict[str, Any]:
    try:
        found: object = json.loads(text)
    except ValueError as err:
        raise InvalidValue(f"--params: no JSON: {err}") from err
    if not isinstance(found, dict):
        raise InvalidValue("--params: not an object")
    return dict(found)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # JSON


def _new_id() -> str:
    return uuid7(time.time_ns() // 1_000_000, token_bytes(10))


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
