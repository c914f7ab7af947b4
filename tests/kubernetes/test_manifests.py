"""What deploy/k8s renders to is well formed, keeps our rules, and says who may talk to whom."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]  # untyped
import pytest

import custom_resources
import pod_rules
import wiring_rules
from manifests import (
    KUBERNETES,
    OVERLAYS,
    Manifest,
    labels_of,
    named,
    of_kind,
    overlay,
    pod_of,
    render,
    title,
)

KUBERNETES_VERSIONS = ("1.32", "1.37")
"""The oldest that we say works, and the newest whose schemas there are."""

Rule = Callable[[list[Manifest]], Iterator[str]]
Plant = Callable[[list[Manifest]], object]


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[Manifest]:
    """Each overlay."""
    return overlay(request.param)


def refusals(each: Manifest, version: str) -> list[str]:
    """What a strict reading of a manifest finds."""
    if (each["apiVersion"], each["kind"]) in custom_resources.SPECS:
        return custom_resources.complaints(each)
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.ValidationError as err:
        return [str(err)]
    return []


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_everything_fits_its_schema(objects: list[Manifest], version: str) -> None:
    found = {title(each): refusals(each, version) for each in objects}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Deployment", "milepost-submit"), ("ServiceMonitor", "milepost-submit"),
     ("PodMonitor", "milepost"), ("PrometheusRule", "milepost"), ("HTTPRoute", "milepost"),
     ("ScaledObject", "milepost-worker-default")],
)  # fmt: skip
def test_a_misspelt_field_does_not_fit(kind: str, name: str) -> None:
    each = named(overlay("production"), kind, name)
    each["spec"]["replica"] = 3
    assert refusals(each, KUBERNETES_VERSIONS[0])


def submit(objects: list[Manifest]) -> Manifest:
    """A Deployment to spoil."""
    return named(objects, "Deployment", "milepost-submit")


def pod(objects: list[Manifest]) -> Manifest:
    """Its pods' spec."""
    return pod_of(submit(objects))["spec"]


def container(objects: list[Manifest], name: str = "milepost-submit") -> Manifest:
    """A container to spoil."""
    return pod_of(named(objects, "Deployment", name))["spec"]["containers"][0]


def written_out(name: str, value: str) -> Plant:
    return lambda objects: container(objects)["env"].append({"name": name, "value": value})


def without(objects: list[Manifest], kind: str, name: str) -> None:
    objects.remove(named(objects, kind, name))


PLANTED: list[tuple[Rule, Plant]] = [
    (pod_rules.images_are_pinned, lambda o: container(o).update(image="milepost:latest")),
    (pod_rules.images_are_pinned, lambda o: container(o).update(image="registry:5000/milepost")),
    (pod_rules.pods_are_restricted, lambda o: pod(o).update(hostNetwork=True)),
    (pod_rules.pods_are_restricted, lambda o: pod(o)["securityContext"].pop("runAsNonRoot")),
    (pod_rules.pods_are_restricted, lambda o: pod(o)["securityContext"].pop("seccompProfile")),
    (pod_rules.pods_are_restricted, lambda o: pod(o)["volumes"].append(
        {"name": "host", "hostPath": {"path": "/"}})),
    (pod_rules.pods_are_restricted, lambda o: pod(o)["volumes"][0].update(emptyDir={})),
    (pod_rules.pods_are_restricted,
     lambda o: container(o)["securityContext"].update(readOnlyRootFilesystem=False)),
    (pod_rules.pods_are_restricted,
     lambda o: container(o)["securityContext"].update(capabilities={"add": ["NET_ADMIN"]})),
    (pod_rules.pods_have_an_identity_without_a_token, lambda o: pod(o).pop("serviceAccountName")),
    (pod_rules.pods_have_an_identity_without_a_token,
     lambda o: pod(o).update(automountServiceAccountToken=True)),
    (pod_rules.pods_have_an_identity_without_a_token, lambda o: pod(o).pop("enableServiceLinks")),
    (pod_rules.resources_are_bounded, lambda o: container(o)["resources"].pop("limits")),
    (pod_rules.resources_are_bounded, lambda o: container(o)["resources"]["requests"].pop("cpu")),
    (pod_rules.probes_mean_something, lambda o: container(o).pop("livenessProbe")),
    (pod_rules.probes_mean_something,
     lambda o: container(o)["livenessProbe"]["httpGet"].update(path="/api/submit/readyz")),
    (pod_rules.probes_mean_something,
     lambda o: container(o)["readinessProbe"]["httpGet"].update(path="/api/submit/livez")),
    (pod_rules.probes_mean_something,
     lambda o: container(o)["readinessProbe"]["httpGet"].update(port="metrics")),
    (pod_rules.pods_stop_in_time, lambda o: container(o).pop("lifecycle")),
    (pod_rules.pods_stop_in_time, lambda o: next(
        each for each in of_kind(o, "ConfigMap") if each["metadata"]["name"].startswith("milepost")
    )["data"].update(MILEPOST_GRACE_SECONDS="60")),
    (pod_rules.pods_stop_in_time, lambda o: pod(o).update(terminationGracePeriodSeconds=10)),
    (pod_rules.secrets_are_references, written_out("MILEPOST_SECRET", "known")),
    (pod_rules.secrets_are_references, written_out("PROXY", "http://somebody:" + "word@proxy")),
    (pod_rules.secrets_are_references, lambda o: o.append(
        {"kind": "Secret", "metadata": {"name": "milepost"}})),
    (pod_rules.secrets_are_references,
     lambda o: of_kind(o, "ConfigMap")[0]["data"].update(MILEPOST_REDIS_URL="redis://here")),
    (pod_rules.secrets_are_references,
     lambda o: container(o, "milepost-projector")["env"].append(container(o)["env"][0])),
    (wiring_rules.everything_is_in_one_namespace,
     lambda o: submit(o)["metadata"].update(namespace="default")),
    (wiring_rules.selectors_choose_their_own, lambda o: named(
        o, "Deployment", "milepost-worker-bulk")["spec"]["selector"]["matchLabels"].pop(
            "milepost/queue")),
    (wiring_rules.pods_are_spread, lambda o: pod(o)["topologySpreadConstraints"].pop()),
    (wiring_rules.drains_take_one_at_a_time,
     lambda o: without(o, "PodDisruptionBudget", "milepost-submit")),
    (wiring_rules.drains_take_one_at_a_time, lambda o: named(
        o, "PodDisruptionBudget", "milepost-submit")["spec"].update(maxUnavailable=0)),
    (wiring_rules.one_thing_scales_each, lambda o: submit(o)["spec"].update(replicas=3)),
    (wiring_rules.one_thing_scales_each,
     lambda o: without(o, "ScaledObject", "milepost-worker-bulk")),
    (wiring_rules.one_thing_scales_each, lambda o: named(
        o, "ScaledObject", "milepost-worker-bulk").update(
            spec=named(o, "ScaledObject", "milepost-worker-default")["spec"])),
    (wiring_rules.one_thing_scales_each, lambda o: named(
        o, "ScaledObject", "milepost-worker-bulk")["spec"]["triggers"][0]["metadata"].update(
            query='max(milepost_queue_backlog{queue="default"})')),
    (wiring_rules.own_queues_are_served, lambda o: next(
        each for each in container(o, "milepost-worker-default")["env"] if "QUEUES" in each["name"]
    ).update(value="default")),
    (wiring_rules.services_lead_to_pods, lambda o: named(
        o, "Service", "milepost-submit")["spec"]["selector"].update(x="y")),
    (wiring_rules.services_lead_to_pods, lambda o: named(
        o, "Service", "milepost-submit")["spec"]["ports"][0].update(targetPort="web")),
    (wiring_rules.services_lead_to_pods, lambda o: without(o, "Service", "milepost-notify")),
    (wiring_rules.what_is_named_is_there, lambda o: container(o).update(args=["serve"])),
    (wiring_rules.what_is_named_is_there, written_out("MILEPOST_TYPO", "1")),
    (wiring_rules.what_is_named_is_there, lambda o: o.remove(next(
        each for each in of_kind(o, "ConfigMap")
        if each["metadata"]["name"].startswith("milepost")))),
    (wiring_rules.what_is_scraped_is_there, lambda o: without(o, "PodMonitor", "milepost")
     or without(o, "ServiceMonitor", "milepost-submit")
     or o.append(named(overlay("production"), "PodMonitor", "milepost"))),
    (wiring_rules.what_is_scraped_is_there, lambda o: named(
        o, "PodMonitor", "milepost")["spec"]["podMetricsEndpoints"][0].update(port="http")),
]  # fmt: skip
RULES: list[Rule] = list(dict.fromkeys(rule for rule, _ in PLANTED))


def rule_name(rule: Rule) -> str:
    return rule.__name__


def test_no_rule_is_left_out_and_none_is_without_a_planted_violation() -> None:
    written = {
        name
        for module in (pod_rules, wiring_rules)
        for name, each in vars(module).items()
        if callable(each) and getattr(each, "__module__", "") == module.__name__
        if not name.startswith("_")
    }
    assert written == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_a_rule_is_kept(objects: list[Manifest], rule: Rule) -> None:
    assert list(rule(objects)) == []


@pytest.mark.parametrize(
    ("rule", "plant"), PLANTED, ids=[f"{n}-{each[0].__name__}" for n, each in enumerate(PLANTED)]
)
def test_a_planted_violation_is_found(rule: Rule, plant: Plant) -> None:
    objects = overlay("production")
    plant(objects)
    assert list(rule(objects))


def test_a_queue_is_added_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "k8s")
    for file in ("queues/{}/kustomization.yaml", "components/keda/{}.yaml"):
        source = tmp_path / "k8s" / file.format("bulk")
        copy = tmp_path / "k8s" / file.format("video")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(source.read_text().replace("bulk", "video"))
    for file in ("components/keda/kustomization.yaml", "overlays/production/kustomization.yaml"):
        path = tmp_path / "k8s" / file
        path.write_text(path.read_text().replace("bulk", "video"))
    objects = render(tmp_path / "k8s" / "overlays" / "production")
    assert {rule.__name__: list(rule(objects)) for rule in RULES} == {
        rule.__name__: [] for rule in RULES
    }
    queues = {
        labels_of(each).get("milepost/queue")
        for each in of_kind(objects, "Deployment")
        if labels_of(each).get("app.kubernetes.io/component") == "worker"
    }
    assert queues == {"default", "video"}


def test_each_version_migrates_by_a_job_of_its_own() -> None:
    (job,) = of_kind(overlay("production"), "Job")
    (its,) = pod_of(job)["spec"]["containers"]
    assert job["metadata"]["name"] == f"milepost-migrate-{its['image'].rpartition(':')[2]}"
