"""The profile `observe`: alerts that are loaded, panels that have something to show, one trace.

Prometheus is a real one; for Grafana and the collector stand in programs of ours (stand_ins).
"""

from dataclasses import replace

import pytest

from alerting import rules
from compose_stack import Stack
from milepost.cursors import Cursor, StreamId
from otlp_receiver import Received
from person import Person
from waiting import wait_for

from .conftest import First

pytestmark = pytest.mark.timeout(1800)  # the first to ask for the stack waits for the builds too
SECONDS = 180
JOBS = ["notify", "projector", "prometheus", "submit", "worker"]


def test_prometheus_asks_every_program_and_nothing_else(stack: Stack) -> None:
    def answering() -> list[str]:
        found = stack.prometheus("targets")["activeTargets"]
        return sorted(each["labels"]["job"] for each in found if each["health"] == "up")

    wait_for(lambda: answering() == JOBS, lambda: f"all answer: {answering()}", SECONDS)


def test_prometheus_has_the_alerts_of_kubernetes_and_none_fires(
    stack: Stack, from_nothing: First
) -> None:
    wait_for(stack.has_judged, "it has judged by every rule", SECONDS)
    (group,) = stack.prometheus("rules")["groups"]
    loaded = [(each["name"], each["labels"], each["annotations"]) for each in group["rules"]]
    assert loaded == [(each["alert"], each["labels"], each["annotations"]) for each in rules()]
    assert from_nothing.firing == []


def test_every_panel_of_the_dashboard_has_an_answer(stack: Stack) -> None:
    person = Person.signed_up(stack.url)
    sent = person.submit("mail.send", to=["bob@x.test"], subject="to be seen", body="b")
    person.submit("demo.steps", steps=2, seconds=0, fail_at=1)
    person.follow_to_end(sent, seconds=SECONDS)
    _ask_for_what_is_not_there_yet(person, sent)
    panels = stack.grafana("dashboards/uid/milepost")["dashboard"]["panels"]
    asked = {
        target["expr"]: panel["datasource"]["uid"]
        for panel in panels
        for target in panel.get("targets", ())
    }
    assert len(asked) > 25

    def silent() -> list[str]:
        return [
            expression
            for expression, source in asked.items()
            if not stack.grafana(
                f"datasources/proxy/uid/{source}/api/v1/query", query=expression
            )["data"]["result"]
        ]  # fmt: skip

    wait_for(lambda: not silent(), lambda: f"all panels show something but {silent()}", SECONDS)
    healthy = {"sum(max by (store) (milepost_store_up))": 2.0, "max(milepost_workers)": 1.0}
    assert healthy.keys() <= asked.keys()
    wait_for(
        lambda: all(_value(stack, query) == value for query, value in healthy.items()),
        "the figures are those of a healthy stack", SECONDS,
    )  # fmt: skip


def _value(stack: Stack, query: str) -> float:
    return float(stack.prometheus("query", query=query)["result"][0]["value"][1])


def _ask_for_what_is_not_there_yet(person: Person, task: str) -> None:
    """Have notify say 503: one of the panels counts that."""
    seen = Cursor.parse(person.tasks[task]["revision"])
    later = replace(seen, id=StreamId(seen.id.ms + 3_600_000, 0))
    answer = person.http.get(f"/api/notify/tasks/{task}", params={"at_least": str(later)})
    assert answer.status_code == 503, answer.text


def test_one_trace_leads_from_the_request_to_the_page(stack: Stack) -> None:
    person = Person.signed_up(stack.url)
    trace, span = f"{0x4BF92F3577B34DA6:032x}", f"{0xF067AA0BA902B7:016x}"
    person.http.headers["traceparent"] = f"00-{trace}-{span}-01"
    task = person.submit("mail.send", to=["ann@x.test"], subject="traced", body="b")
    person.follow_to_end(task, seconds=SECONDS)

    def spans() -> dict[str, Received]:
        """By service and name, the first of each."""
        found = [each for each in stack.spans() if each.trace == trace]
        return {f"{each.service} {each.name}": each for each in reversed(found)}

    wanted = {
        "milepost-submit POST /api/submit/tasks",
        "milepost-projector queued default",
        "milepost-worker run mail.send",
        "milepost-projector project task.created",
        "milepost-projector project task.started",
        "milepost-notify GET /api/notify/notifications",
        "milepost-submit POST /api/submit/introspection",
    }
    wait_for(lambda: wanted <= spans().keys(), lambda: f"{wanted - spans().keys()} arrive", SECONDS)
    found = spans()
    asked = found["milepost-submit POST /api/submit/tasks"]
    assert asked.parent == span
    for name in wanted:
        if "run" in name or "project" in name:
            assert found[name].parent == asked.id, name
    assert found["milepost-worker run mail.send"].about["milepost.task.id"] == task
    # Notify asks submit who that is, for the request that it answers.
    who = found["milepost-submit POST /api/submit/introspection"]
    gets = stack.spans()
    assert who.parent in {each.id for each in gets if each.service == "milepost-notify"}


def test_who_watches_may_be_killed_and_comes_back(stack: Stack) -> None:
    for service in ("prometheus", "grafana", "otel-collector"):
        restarts = stack.the(service)["RestartCount"]
        stack.kill(service)
        stack.wait_until_back(service, restarts, SECONDS)
    person = Person.signed_up(stack.url)
    trace = f"{0x5BF92F3577B34DA6:032x}"
    person.http.headers["traceparent"] = f"00-{trace}-00f067aa0ba902b7-01"
    person.follow_to_end(person.submit("demo.steps", steps=1, seconds=0), seconds=SECONDS)
    wait_for(stack.has_judged, "it has its rules", SECONDS)
    wait_for(lambda: any(each.trace == trace for each in stack.spans()), "spans", SECONDS)
    assert stack.grafana("dashboards/uid/milepost")["dashboard"]["panels"]
