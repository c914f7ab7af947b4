"""The pure parts of the terminal client: params from words, tasks in words, kept logins."""

import json
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from milepost import errors
from milepost.exchanges import Answer, Ask
from milepost.records import Task
from milepost_cli.client import asked, completion, outcome, words
from milepost_cli.client.credentials import Credentials, Login
from milepost_cli.client.destination import checked, destination
from milepost_cli.client.params import keys, params_of
from milepost_cli.main import main

SCHEMA: dict[str, Any] = {
    "$defs": {"Size": {"enum": ["small", "large"]}},
    "properties": {
        "to": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "subject": {"type": "string"},
        "count": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "quick": {"type": "boolean"},
        "size": {"$ref": "#/$defs/Size"},
        "loop": {"$ref": "#/properties/loop"},
    },
}


@pytest.mark.parametrize(
    ("assignments", "params"),
    [
        (["subject=3"], {"subject": "3"}),
        (["subject=a=b"], {"subject": "a=b"}),
        (["count=3", "quick=true"], {"count": 3, "quick": True}),
        (["count=null"], {"count": None}),
        (["to=a@b.test"], {"to": ["a@b.test"]}),
        (["to=a", "to=b"], {"to": ["a", "b"]}),
        (['to=["a", "b"]', "to=c"], {"to": ["a", "b", "c"]}),
        (["numbers=1", "numbers=2"], {"numbers": [1, 2]}),
        (["size=small"], {"size": "small"}),
        (["unknown=7"], {"unknown": "7"}),
        (["unknown:=7", 'subject:={"a": 1}'], {"unknown": 7, "subject": {"a": 1}}),
    ],
)
def test_words_become_params_as_the_schema_has_them(assignments: list[str], params: dict[str, Any]):
    assert params_of(assignments, SCHEMA) == params


@pytest.mark.parametrize("words", [["subject"], ["=x"], ["count=x"], ["subject=a", "subject=b"]])
def test_what_cannot_be_params_is_said(words: list[str]):
    with pytest.raises(errors.InvalidValue):
        params_of(words, SCHEMA)


def test_the_keys_of_a_type_are_known():
    assert keys(SCHEMA)[:2] == ["to", "numbers"]
    assert keys({}) == []


def task(**fields: Any) -> Task:
    record = dict[str, Any].fromkeys(Task.model_fields)
    record |= {"id": "t", "type": "x", "title": "X", "owner": "bob", "queue": "default"}
    record |= {"tags": list[str](), "priority": "normal", "params": {}, "attempt": 1}
    record |= {"indeterminate": False, "dismissed": False, "read": False, "children_count": 0}
    record |= {"quiet_after_seconds": 60, "created_at": "2026-01-01T00:00:00.000Z"}
    record |= {"status": "running", "progress": 0, "revision": "r"}
    return Task.model_validate(record | fields)


def test_a_line_says_all_there_is_to_say():
    moving = task(progress=42.57, done=3, total=7, message="to \x1b[31mcarol", attempt=2)
    assert words.line(moving) == "running    42.5 %  t  X  3/7  to ?[31mcarol  attempt 2"
    failed = task(status="failed", error={"code": "x", "message": "No", "reference": "r"})
    assert words.line(failed) == "failed        0 %  t  X  No"
    lost = task(liveness="lost", cancel_requested_at="2026-01-01T00:00:00.000Z")
    assert words.line(lost).endswith("its worker is gone  asked to stop")
    assert words.percent(task(indeterminate=True)) == "..."


def test_the_page_and_the_history_say_nothing_twice():
    page = list(
        words.page(task(status="succeeded", progress=100, result={"a": 1}, params={"b": 2}))
    )
    assert page[0] == "X: succeeded, 100 %"
    assert [line.split() for line in page if "result" in line] == [["result", '{"a":', "1}"]]
    record = {"at": "now", "attempt": 0, "type": "task.created", "data": {"params": {"b": 2}}}
    assert words.event(record) == "  now  0  created"
    record |= {"type": "task.progressed", "data": {"progress": 5, "message": None}}
    assert words.event(record).endswith('progressed        {"progress": 5}')


def test_nothing_reads_as_done_that_is_not():
    assert words.percent(task(progress=99.99)) == "99.9 %"


def test_several_tasks_are_followed_through_a_gap_to_the_end_of_all():
    def page(cursor: str, *tasks: Task, gap: bool = False) -> Answer:
        rows = [{"name": "task_progress", "data": each.model_dump()} for each in tasks]
        return Answer(200, {"cursor": cursor, "gap": gap, "notifications": rows})

    def read(id: str, **fields: Any) -> Answer:
        return Answer(200, task(id=id, **fields).model_dump())

    answers = [
        read("a", revision="ra"), read("b", revision="rb"),
        page("c1", task(id="b", progress=7), task(id="other")),
        page("c2", gap=True), read("a", progress=9), read("b", status="failed"),
        page("c3", task(id="a", status="succeeded", revision="r9")),
        read("a", status="succeeded", result="large"),
    ]  # fmt: skip
    shown = dict[str, Task]()
    conversation, answer, steps = asked.several(shown, ["a", "b"]), None, list[Any]()
    with suppress(StopIteration):
        while True:
            steps.append(conversation.send(answer))
            answer = answers.pop(0) if isinstance(steps[-1], Ask) else None
    told = [(each.id, each.status, each.progress) for each in steps if isinstance(each, Task)]
    assert told == [
        ("a", "running", 0), ("b", "running", 0), ("b", "running", 7), ("a", "running", 9),
        ("b", "failed", 0), ("a", "succeeded", 0),
    ]  # fmt: skip
    assert (list(shown), shown["a"].result, answers) == (["a", "b"], "large", [])
    asks = [each.query for each in steps if isinstance(each, Ask)]
    assert [each.get("since") for each in asks] == [None, None, "ra", "c1", None, None, "c2", None]
    assert asks[-1]["at_least"] == "r9"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.34, "0.3 s"), (42, "42 s"), (61, "1 min"), (7300, "2 h"), (1e6, "11 d")],
)
def test_a_span_is_short(seconds: float, shown: str):
    assert words.span(seconds) == shown


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest(422, {}), 2), (errors.ConfigurationError("x"), 2),
        (errors.NotSignedIn(401, {}), 3), (errors.Unreachable("x"), 3), (errors.NotEnded(), 4),
        (errors.NotFound(404, {}), 1), (errors.Conflict(409, {}), 1),
    ],
)  # fmt: skip
def test_exit_statuses_are_what_the_documentation_says(error: errors.MilepostError, status: int):
    assert outcome.status_of(error) == status
    assert (outcome.status_after("succeeded"), outcome.status_after("failed")) == (0, 1)
    assert outcome.status_after("succeeded", "cancelled") == 1


def test_logins_are_kept_for_their_address_and_their_reader_alone(tmp_path: Path):
    credentials = Credentials(tmp_path / "new" / "logins.json")
    assert credentials.last() is None
    credentials.keep(Login("http://a", "one", "bob", "1"))
    credentials.keep(Login("http://b", "two"))
    assert stat.S_IMODE(credentials.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(credentials.file.parent.stat().st_mode) == 0o700
    assert credentials.last() == Login("http://b", "two")
    assert credentials.of("http://a") == Login("http://a", "one", "bob", "1")
    assert credentials.of("http://a.evil") is None
    credentials.forget("http://b")
    assert credentials.last() == Login("http://a", "one", "bob", "1")
    credentials.file.write_text(json.dumps([{"url": 1}]))
    with pytest.raises(errors.ConfigurationError, match="damaged"):
        credentials.last()


def test_a_token_goes_to_its_own_address_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("MILEPOST_URL", "MILEPOST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    Credentials().keep(Login("https://a.example", "secret"))
    assert destination(None, None).token == "secret"
    elsewhere = destination("https://b.example/", None)
    assert (elsewhere.url, elsewhere.token) == ("https://b.example", None)
    with pytest.raises(errors.NotSignedIn, match="login"):
        elsewhere.access()
    monkeypatch.setenv("MILEPOST_URL", "https://c.example")
    monkeypatch.setenv("MILEPOST_TOKEN", "other")
    assert (destination(None, None).url, destination(None, None).token) == (
        "https://c.example",
        "other",
    )


@pytest.mark.parametrize("url", ["tasks.example", "ftp://x", "https://", "https://x?a=b"])
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(errors.ConfigurationError):
        checked(url)


def test_commands_and_their_options_are_completed_without_asking_anybody():
    assert completion.words(["do"]) == ["doctor"]
    assert {"send", "up", "watch"} <= set(completion.words([""]))
    assert completion.words(["send", "--det"]) == ["--detach"]
    assert "--data-dir" in completion.words(["up", "--"])
    assert completion.words(["completion", "z"]) == ["zsh"]


@pytest.mark.parametrize("command", ["send", "show", "explain", "cancel", "retry"])
def test_a_missing_word_is_named(command: str, capsys: pytest.CaptureFixture[str]):
    assert main([command]) == 2
    said = capsys.readouterr().err
    assert said.startswith("milepost: missing argument '")
    assert said.count("\n") == 1
