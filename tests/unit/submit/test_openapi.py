"""Submit's OpenAPI document, without a server."""

from typing import Any

import pytest

from json_references import references
from milepost.settings import Settings
from milepost_submit.main import build


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build(Settings.load(database_url="sqlite:///unused.db", secret="x" * 40)).openapi()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        place: Any = document
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_it_names_every_command_of_the_contract(document: dict[str, Any]) -> None:
    named = {
        f"{method.upper()} {path.removeprefix('/api/submit/')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert named == {
        "POST accounts", "POST session", "GET session", "DELETE session", "GET task-types",
        "GET credential", "POST introspection", "GET access-tokens", "POST access-tokens",
        "DELETE access-tokens/{token_id}", "GET sessions",
        "DELETE sessions", "DELETE sessions/{session_id}", "PUT password",
        "POST tasks", "POST tasks/batch", "POST tasks/{task_id}/cancel",
        "POST tasks/{task_id}/retry", "POST tasks/{task_id}/dismiss", "POST inbox/read",
        "POST admin/tasks/{task_id}/cancel", "POST admin/dead-letters/redrive",
        "POST admin/dead-letters/drop", "POST admin/tasks/{task_id}/retry",
        "POST admin/bulk",
        "GET admin/pauses", "PUT admin/pauses/queues/{name}", "DELETE admin/pauses/queues/{name}",
        "PUT admin/pauses/types/{name}", "DELETE admin/pauses/types/{name}",
        "GET livez", "GET readyz", "GET metrics",
    }  # fmt: skip


def test_bodies_and_problems_are_described(document: dict[str, Any]) -> None:
    task = document["paths"]["/api/submit/tasks"]["post"]
    body = task["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/TaskRequest"}
    assert "application/problem+json" in task["responses"]["422"]["content"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert task["security"] == [{"bearer": []}]
