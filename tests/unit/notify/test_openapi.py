"""Notify's OpenAPI document, without a server."""

from typing import Any

import pytest

from milepost.settings import Settings
from milepost_notify.main import build


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build(Settings.load(database_url="sqlite:///unused.db", secret="x" * 40)).openapi()


def test_it_names_every_query_of_the_contract(document: dict[str, Any]):
    named = {
        f"{method.upper()} {path.removeprefix('/api/notify/')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert named == {
        "GET notifications", "GET notifications/stream", "GET tasks", "GET tasks/{task_id}",
        "GET tasks/{task_id}/events", "GET tasks/{task_id}/explain", "GET livez", "GET readyz",
        "GET metrics", "GET exports/{ticket}", "GET admin/tasks", "GET admin/tasks/{task_id}",
        "GET admin/tasks/{task_id}/events", "GET admin/tasks/{task_id}/explain",
        "GET admin/errors", "GET admin/partitions", "GET admin/queues", "GET admin/workers",
        "GET admin/dead-letters", "GET admin/parked", "GET admin/rates",
    }  # fmt: skip


def test_parameters_have_the_names_and_bounds_of_the_contract(document: dict[str, Any]):
    poll = document["paths"]["/api/notify/notifications"]["get"]
    bounds = {
        each["name"]: {k: v for k, v in each["schema"].items() if "imum" in k or k == "default"}
        for each in poll["parameters"]
    }
    assert bounds == {
        "since": {}, "tag": {}, "owner": {},
        "wait": {"minimum": 0, "maximum": 30, "default": 0},
        "limit": {"minimum": 1, "maximum": 1000, "default": 100},
    }  # fmt: skip
    assert poll["security"] == [{"bearer": []}]
    assert "application/problem+json" in poll["responses"]["422"]["content"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
