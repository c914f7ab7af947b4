"""The dashboard asks for metrics that there are, by their labels; Prometheus asks every program."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from documented_metrics import series
from milepost_cli.checkout import ROOT

FOLDER = ROOT / "deploy" / "compose" / "observe"
GRAFANA = FOLDER / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "milepost.json").read_text())
WORDS = {
    "avg", "by", "histogram_quantile", "increase", "job", "le", "max", "rate", "sum",
    "up", "instance",
}  # fmt: skip


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]


@pytest.mark.parametrize("expression", list(expressions()))
def test_what_is_asked_for_exists_with_these_labels(expression: str) -> None:
    known = series()
    asked = set(re.findall(r"[a-z]\w*", re.sub(r'"[^"]*"|\[\w+\]', "", expression)))
    names = {word for word in asked if word.startswith(("milepost_", "dramatiq_"))}
    assert names <= set(known)
    assert asked - names - WORDS <= set().union(*(known[name] for name in names))


def test_figures_of_the_deployment_are_never_added_up_over_replicas() -> None:
    deployment = (
        r"milepost_(tasks_accepted|tasks_ended|tasks_live|queue_\w+|projector_lag|dead|parked"
        r"|workers|store)"
    )
    for expression in expressions():
        for found in re.finditer(deployment, expression):
            before = expression[: found.start()]
            assert re.search(r"max( by \([\w, ]+\))? \(?(rate\()?$|max\((rate\()?$", before), (
                expression
            )


def test_the_three_questions_have_panels_that_say_what_to_do() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Is it healthy?", "What is slow?", "Who waits?"]
    assert all(panel["description"] for panel in panels())
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_grafana_finds_its_source_and_its_dashboards_where_compose_puts_them() -> None:
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    uid = source["datasources"][0]["uid"]
    assert all(panel["datasource"]["uid"] == uid for panel in panels())
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/milepost.yml").read_text())
    path = provider["providers"][0]["options"]["path"]
    volumes = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"][
        "volumes"
    ]
    assert f"./deploy/compose/observe/grafana/dashboards:{path}:ro" in volumes


def test_prometheus_asks_every_program_of_ours() -> None:
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    found = {job["job_name"]: job.get("dns_sd_configs", [{}])[0].get("names") for job in jobs}
    for name in ("submit", "notify", "projector", "worker"):
        assert found[name] == [name]
