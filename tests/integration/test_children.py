"""A task submits others: they are its owner's, know their parent, and have no twins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost import InvalidRequest, submit
from person import Person
from up_process import ROOT, Up


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    Path(folder / "sample_tasks.py").symlink_to(ROOT / "tests" / "sample_tasks.py")
    running = Up(folder, "--port", "0", "--tasks", "sample_tasks", lease_seconds="2").until_ready()
    yield running
    running.close()


def test_a_repeated_attempt_makes_no_twins(up: Up):
    person = Person.signed_up(up.url)
    parent = person.submit("sample.parent", children=3, crash=True)
    person.follow_to_end(parent)
    assert person.tasks[parent]["attempt"] == 2
    assert person.tasks[parent]["status"] == "succeeded"
    children = person.http.get(f"/api/notify/tasks/{parent}").json()["result"]
    person.follow_to_end(*children)
    assert sorted(person.tasks) == sorted([parent, *children])
    for child in children:
        assert person.tasks[child]["parent"] == parent
        assert person.tasks[child]["owner"] == f"local:{person.name}"
        assert person.events(child)[0]["by"] == {"kind": "task", "id": parent}
    assert person.http.get(f"/api/notify/tasks/{parent}").json()["children_count"] == 3


def test_the_trace_of_a_request_is_carried_on(up: Up):
    person = Person.signed_up(up.url)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body: dict[str, object] = {"type": "sample.async_parent", "params": {}}
    answer = person.http.post("/api/submit/tasks", json=body, headers={"traceparent": trace})
    parent = answer.json()["id"]
    person.follow_to_end(parent)
    child = person.tasks[parent]["result"]
    person.follow_to_end(child)
    assert [event["trace"] for event in person.events(child)[:2]] == [trace, trace]


def test_people_cannot_use_what_is_private_to_code(up: Up):
    person = Person.signed_up(up.url)
    body: dict[str, object] = {"type": "sample.noop", "params": {}}
    assert person.http.post("/api/submit/tasks", json=body).status_code == 404


def test_a_backend_submits_for_an_owner(up: Up, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILEPOST_SECRET", (up.data / "secret").read_text().strip())
    monkeypatch.setenv("MILEPOST_SUBMIT_URL", up.url)
    person = Person.signed_up(up.url)
    made = submit("sample.count", {"upto": 5}, owner=f"local:{person.name}", title="Counting")
    person.follow_to_end(made.id)
    assert person.tasks[made.id]["title"] == "Counting"
    assert person.tasks[made.id]["result"] == {"count": 5}
    with pytest.raises(InvalidRequest) as refused:
        submit("sample.count", {"upto": "x"}, owner="bob")
    assert refused.value.status == 422
    with pytest.raises(TypeError, match="whose"):
        submit("sample.count", {"upto": 1})
