"""Each alert fires on what it is for and is silent beside it, in `promtool test rules`; every
metric that a rule names is one that the services expose, with these labels."""

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from alerting import metrics_in, program, rules, write_rules
from documented_metrics import series
from manifests import named, overlay
from milepost_cli.checkout import ROOT

DEPLOYMENT = ROOT / "docs" / "deployment.md"
COMPOSE = ROOT / "deploy" / "compose" / "observe"

Series = dict[str, str]
"""A series -> its values, one a minute, in promtool's notation."""


class Case(NamedTuple):
    """What an alert is for, and what looks like it and is well."""

    trouble: Series
    well: Series
    minutes: int
    """After which it fires, and has not a minute before `early`."""
    early: int = 0
    """So long the trouble alone is no reason; 0: it fires at once."""
    firing: int = 1


def ended(failed: str, succeeded: str) -> Series:
    """As two notifies tell it, both the same."""
    return {
        f'milepost_tasks_ended_total{{outcome="{outcome}",instance="{n}"}}': values
        for outcome, values in (("failed", failed), ("succeeded", succeeded))
        for n in "ab"
    }


def requests(status: str, values: str, route: str = "/api/submit/tasks") -> Series:
    labels = f'service="submit",method="POST",route="{route}",status="{status}"'
    return {f"milepost_http_requests_total{{{labels}}}": values}


def buckets(metric: str, at: str, labels: str = "") -> Series:
    """Ten a minute, all of them at most `at` seconds and longer than the bucket below."""
    bounds = ("0.1", "1", "2.5", "10", "30", "+Inf")
    return {
        f'{metric}_bucket{{{labels}le="{bound}"}}': "0+10x60"
        if float(bound) >= float(at)
        else "0x60"
        for bound in bounds
    }


POSTS = 'service="submit",method="POST",route="/api/submit/tasks",'
GETS = 'service="submit",method="GET",route="/api/submit/task-types",'


def balance(accepted: str, running: str) -> Series:
    return {
        'milepost_tasks_accepted_total{instance="a"}': accepted,
        'milepost_tasks_ended_total{instance="a",outcome="failed"}': "1x60",
        'milepost_tasks_ended_total{instance="a",outcome="succeeded"}': "0+10x60",
        'milepost_tasks_live{instance="a",status="queued"}': "1x60",
        'milepost_tasks_live{instance="a",status="running"}': running,
    }


CASES = {
    "MilepostUnseen": Case({"up": "1x60"}, {"milepost_workers": "0x60"}, 4, 3),
    "MilepostSubmitUnseen": Case(
        {'milepost_http_requests_total{service="notify"}': "0+9x60"}, requests("201", "0x60"), 4, 3
    ),
    "MilepostStoreAway": Case(
        {'milepost_store_up{store="redis",instance="a"}': "1x60",
         'milepost_store_up{store="redis",instance="b"}': "0x60"},
        {'milepost_store_up{store="redis"}': "1x60", 'milepost_store_up{store="database"}': "1x60"},
        2, 1,
    ),
    "MilepostLogAway": Case(
        {'milepost_log_away{instance="a"}': "0x60", 'milepost_log_away{instance="b"}': "1x60"},
        {"milepost_log_away": "0x60"}, 3, 2,
    ),
    "MilepostNoWorkers": Case(
        {'milepost_workers{instance="a"}': "0x60", 'milepost_workers{instance="b"}': "0x60"},
        {'milepost_workers{instance="a"}': "0x60", 'milepost_workers{instance="b"}': "1x60"}, 3, 2,
    ),
    "MilepostQueueWaits": Case(
        {'milepost_queue_oldest_seconds{queue="default"}': "310+60x60",
         'milepost_queue_oldest_seconds{queue="bulk"}': "0x60"},
        {'milepost_queue_oldest_seconds{queue="default"}': "290x60"}, 6, 5,
    ),
    "MilepostQueueStands": Case(
        {'milepost_queue_oldest_seconds{queue="default"}': "1900x60"},
        {'milepost_queue_oldest_seconds{queue="default"}': "1700x60"}, 6, 5,
    ),
    "MilepostProjectorBehind": Case(
        {'milepost_projector_lag_seconds{partition="0"}': "0x60",
         'milepost_projector_lag_seconds{partition="1"}': "61x60"},
        {'milepost_projector_lag_seconds{partition="0"}': "59x60"}, 3, 2,
    ),
    "MilepostPartitionStopped": Case(
        {'milepost_partition_up{partition="0",instance="a"}': "0x60",
         'milepost_partition_up{partition="1",instance="a"}': "1x60"},
        {'milepost_partition_up{partition="0",instance="a"}': "0x60",
         'milepost_partition_up{partition="0",instance="b"}': "1x60"}, 3, 2,
    ),
    "MilepostDeadLetters": Case(
        {'milepost_dead_letters{partition="3"}': "1x60"},
        {'milepost_dead_letters{partition="3"}': "0x60"}, 2, 1,
    ),
    "MilepostParked": Case(
        {'milepost_parked_events{partition="3"}': "2x60"},
        {'milepost_parked_events{partition="3"}': "2x10 0x50"}, 16, 15,
    ),
    "MilepostWorkersVanish": Case(
        {'milepost_tasks_taken_over_total{instance="a"}': "0+2x60"},
        {'milepost_tasks_taken_over_total{instance="a"}': "0 0 8x58"}, 40,
    ),
    "MilepostFenced": Case(
        {'milepost_fenced_total{instance="a"}': "0x30 1x30"},
        {'milepost_fenced_total{instance="a"}': "4x60"}, 40,
    ),
    "MilepostTasksFail": Case(ended("0+2x60", "0+4x60"), ended("0+1x60", "0+4x60"), 30),
    "MilepostErrors": Case(
        requests("503", "0+1x60") | requests("201", "0+9x60"),
        requests("503", "0+9x60", "/api/submit/readyz") | requests("201", "0+9x60"), 12,
    ),
    "MilepostSubmitSlow": Case(
        buckets("milepost_http_request_seconds", "2.5", POSTS),
        buckets("milepost_http_request_seconds", "1", POSTS)
        | buckets("milepost_http_request_seconds", "30", GETS), 20,
    ),
    "MilepostNewsLate": Case(
        buckets("milepost_visible_seconds", "10"), buckets("milepost_visible_seconds", "1"), 20
    ),
    "MilepostConservation": Case(
        balance("5+10x60", "2x60"), balance("4+10x60", "2x60"), 31, 30
    ),
}  # fmt: skip


def steps(alert: str, case: Case) -> list[dict[str, Any]]:
    """Fires on its trouble, not too early, and not beside it."""
    asked = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'

    def look(minute: int, count: int) -> dict[str, Any]:
        samples = [{"labels": "{}", "value": count}]
        return {"expr": asked, "eval_time": f"{minute}m", "exp_samples": samples}

    def step(series: Series, looks: list[dict[str, Any]]) -> dict[str, Any]:
        given = [{"series": name, "values": values} for name, values in series.items()]
        return {"interval": "1m", "input_series": given, "promql_expr_test": looks}

    early = [look(case.early - 1, 0)] if case.early else []
    return [
        step(case.trouble, [*early, look(case.minutes, case.firing)]),
        step(case.well, [look(case.minutes, 0), look(59, 0)]),
    ]


def promtool(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [program("promtool"), *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rules(tmp_path / "rules.yaml")
    return tmp_path


def run_cases(folder: Path, cases: dict[str, Case]) -> tuple[int, str]:
    tests = [step for alert, case in cases.items() for step in steps(alert, case)]
    text = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.yaml").write_text(yaml.safe_dump(text))
    return promtool(folder, "test", "rules", "tests.yaml")


def test_promtool_takes_the_rules(folder: Path) -> None:
    status, said = promtool(folder, "check", "rules", "--lint-fatal", "rules.yaml")
    assert status == 0, said


def test_the_prometheus_of_compose_takes_them_out_of_the_same_file(folder: Path) -> None:
    text = (COMPOSE / "prometheus.sh").read_text()
    there, mounted = "/tmp/rules.yml", "/etc/alerts/rules.yaml"
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    (source,) = [
        volume.removesuffix(f":{mounted}:ro")
        for volume in services["prometheus"]["volumes"]
        if volume.endswith(f":{mounted}:ro")
    ]
    for old, new in ((there, folder / "made.yaml"), (mounted, ROOT / source), ("exec ", "exit ")):
        assert old in text
        text = text.replace(old, str(new))
    subprocess.run(["sh", "-c", text.partition("exit ")[0]], check=True, timeout=20)
    made = yaml.safe_load((folder / "made.yaml").read_text())
    assert made == {"groups": [{"name": "milepost", "rules": rules()}]}
    assert yaml.safe_load((COMPOSE / "prometheus.yml").read_text())["rule_files"] == [there]


def test_every_alert_has_a_case() -> None:
    assert [each["alert"] for each in rules()] == list(CASES)


def test_each_alert_fires_on_what_it_is_for_and_is_silent_beside_it(folder: Path) -> None:
    status, said = run_cases(folder, CASES)
    assert status == 0, said


def test_these_cases_would_find_alerts_that_are_deaf_or_cry_wolf(folder: Path) -> None:
    turned = {
        alert: case._replace(trouble=case.well, well=case.trouble) for alert, case in CASES.items()
    }
    status, said = run_cases(folder, turned)
    assert status != 0
    assert [alert for alert in CASES if said.count(f'{alert}\\"') < 2] == []


def test_rules_name_metrics_and_labels_that_there_are() -> None:
    known = series()
    for each in rules():
        found = metrics_in(each["expr"])
        assert found, each
        for metric, labels in found.items():
            assert metric in known, f"{each['alert']}: {metric}"
            assert labels <= known[metric], f"{each['alert']}: {metric}{sorted(labels)}"


def test_a_metric_that_there_is_not_would_be_found() -> None:
    found = metrics_in('sum by (queue) (rate(milepost_made_up_total{type="a"}[5m])) > 1')
    assert found == {"milepost_made_up_total": {"queue", "type"}}


def test_the_page_says_what_to_do_about_each_alert() -> None:
    lines = [line.split("|") for line in DEPLOYMENT.read_text().splitlines()]
    said = [(row[1].strip(" `"), row[2].strip()) for row in lines if row[1:2] and "`Mile" in row[1]]
    assert said == [(each["alert"], each["labels"]["severity"]) for each in rules()]


def test_workers_are_scaled_by_what_waits_and_what_runs(folder: Path) -> None:
    """KEDA's own query: nothing known is no number, so that it falls back."""
    scaled = named(overlay("production"), "ScaledObject", "milepost-worker-default")
    (trigger,) = scaled["spec"]["triggers"]

    def step(given: Series, expected: list[int]) -> dict[str, Any]:
        samples = [{"labels": "{}", "value": value} for value in expected]
        looks = [{"expr": trigger["metadata"]["query"], "eval_time": "1m", "exp_samples": samples}]
        series = [{"series": name, "values": values} for name, values in given.items()]
        return {"interval": "1m", "input_series": series, "promql_expr_test": looks}

    there = 'namespace="milepost"'
    backlog = {
        f'milepost_queue_backlog{{{there},queue="default",pod="{pod}"}}': "12x9" for pod in "ab"
    } | {f'milepost_queue_backlog{{{there},queue="bulk"}}': "400x9"}
    held = {
        f'milepost_tasks_held{{{there},milepost_queue="default",pod="{pod}"}}': "8x9"
        for pod in "cd"
    } | {f'milepost_tasks_held{{{there},milepost_queue="bulk"}}': "8x9"}
    told = {f'milepost_tasks_accepted_total{{{there},pod="{pod}"}}': "500x9" for pod in "ab"}
    cases = [
        step(told | backlog | held, [28]), step(told | backlog, [12]),
        step(told, [0]), step(told | held, [16]),  # nothing was ever submitted to this queue
        step(held, []),
    ]  # fmt: skip
    text = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": cases}
    (folder / "tests.yaml").write_text(yaml.safe_dump(text))
    status, said = promtool(folder, "test", "rules", "tests.yaml")
    assert status == 0, said
