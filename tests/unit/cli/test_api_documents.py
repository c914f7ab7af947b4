"""The documents in docs/api are what the code says; the log's is held to the events' classes."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
from fastapi.routing import iter_route_contexts

import milepost_notify.main
import milepost_submit.main
from json_references import references
from milepost.codec import decode
from milepost.events import Payload, type_names
from milepost.settings import Settings
from milepost_cli import api_documents, api_reference, asyncapi
from milepost_cli.checkout import ROOT

PART = re.compile(r"/milepost-(?!core\.)[a-z]+\.js")
"""What the elements load by themselves."""
GOLDEN = ROOT / "tests" / "unit" / "common" / "golden_events.json"


@pytest.mark.parametrize(("name", "text"), list(api_documents.documents()))
def test_a_document_is_as_the_code_has_it(name: str, text: str) -> None:
    kept = (api_documents.FOLDER / name).read_text()
    assert kept == text, f"docs/api/{name} has drifted: run ./milepost api"


def test_no_other_file_is_there() -> None:
    names = {name for name, _ in api_documents.documents()}
    assert {path.name for path in api_documents.FOLDER.iterdir() if path.is_file()} == names


@pytest.fixture(scope="module")
def log() -> dict[str, Any]:
    return json.loads(json.dumps(asyncapi.document("1")))


def at(document: dict[str, Any], reference: str) -> Any:
    place: Any = document
    for name in reference.removeprefix("#/").split("/"):
        place = place[name]
    return place


def test_every_reference_leads_somewhere(log: dict[str, Any]) -> None:
    found = set(references(log))
    assert found
    for reference in found:
        assert isinstance(at(log, reference), dict)


def test_it_has_every_event_once_in_channel_operation_and_components(log: dict[str, Any]) -> None:
    messages: dict[str, Any] = log["components"]["messages"]
    assert [str(message["name"]) for message in messages.values()] == list(type_names)
    channel: dict[str, Any] = log["channels"]["log"]
    assert list(channel["messages"]) == list(messages)
    assert len(log["operations"]["follow"]["messages"]) == len(messages)
    for message in messages.values():
        assert message["summary"].endswith(".")
        assert message["payload"]["properties"]["type"] == {"const": message["name"]}


def golden() -> list[Any]:
    found: Any = json.loads(GOLDEN.read_text())
    return found


def test_real_events_are_what_it_describes(log: dict[str, Any]) -> None:
    seen = set[str]()
    for entry in golden():
        fields = {k.encode(): v.encode() for k, v in entry["fields"].items()}
        event = decode(0, b"1-1", fields)
        payload = event.payload
        presented = {
            "id": "cursor", "type": payload.type, "v": payload.v, "task": event.task,
            "owner": event.owner, "by": {"kind": event.by.kind, "id": event.by.id},
            "at": "2026-01-01T00:00:00.000Z", "attempt": event.attempt, "trace": event.trace,
            "data": payload.model_dump(mode="json"),
        }  # fmt: skip
        schema = log["components"]["messages"][type(payload).__name__]["payload"]
        validator = jsonschema_rs.validator_for({**schema, "components": log["components"]})
        validator.validate(presented)
        for field in schema["required"]:
            lacking = {name: value for name, value in presented.items() if name != field}
            assert not validator.is_valid(lacking), field
        assert not validator.is_valid({**presented, "type": "task.other"})
        seen.add(payload.type)
    assert seen == set(type_names)


def test_what_says_nothing_about_itself_is_found() -> None:
    class Silent(Payload):
        type = "task.silent"

    Silent.__doc__ = None
    with pytest.raises(api_reference.Undocumented, match=r"task\.silent"):
        api_reference.page({}, {"task.silent": Silent})
    silent = {"paths": {"/api/x": {"get": {"summary": "X"}}}}
    with pytest.raises(api_reference.Undocumented, match="GET /api/x"):
        api_reference.page({"x": silent}, {})


def test_every_event_class_is_an_event_that_is_documented() -> None:
    here = [kind for kind in Payload.__subclasses__() if kind.__module__ == "milepost.events"]
    assert {kind.type for kind in here} == set(type_names)
    page = (api_documents.FOLDER / "README.md").read_text()
    assert all(f"| `{name}` |" in page for name in type_names)


@pytest.mark.parametrize("service", [milepost_submit.main, milepost_notify.main])
def test_every_route_of_the_api_is_in_its_document(service: Any) -> None:
    app = service.build(Settings.load(database_url="sqlite:///unused.db", secret="x" * 40))
    routes = {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or ())
        if (route.path or "").startswith("/api/") and method != "HEAD"
    }
    document = app.openapi()
    said = {
        f"{method.upper()} {path}" for path, some in document["paths"].items() for method in some
    }
    assert said == {route for route in routes if not route.endswith("openapi.json")}
    page = (api_documents.FOLDER / "README.md").read_text()
    assert all(f"| `{call}` |" in page for call in said)


def test_what_people_and_pages_load_is_on_some_page() -> None:
    settings = Settings.load(database_url="sqlite:///unused.db", secret="x" * 40)
    routes = {
        route.path or ""
        for route in iter_route_contexts(milepost_notify.main.build(settings).routes)
    }
    parts = {"/", "/static", "/favicon.ico"} | {each for each in routes if PART.fullmatch(each)}
    loaded = {each for each in routes - parts if not each.startswith("/api/")}
    assert {"/operators", "/milepost.js", "/milepost-core.js"} <= loaded
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "".join(page.read_text() for page in pages)
    assert [each for each in sorted(loaded) if each not in text] == []
