"""Owns the rules about how what is in deploy/k8s belongs together. A rule yields what breaks it."""

import re
from collections.abc import Iterator
from typing import Any, cast

from manifests import (
    WORKLOADS,
    Manifest,
    containers,
    is_ours,
    labels_of,
    of_kind,
    pod_of,
    selects,
    title,
)
from milepost import bulk
from milepost.settings import Settings
from milepost_cli.main import commands

NAMESPACE = "milepost"
LEADS_NOWHERE = "nowhere"
"""The one Service without pods, on purpose."""


def everything_is_in_one_namespace(objects: list[Manifest]) -> Iterator[str]:
    """Nothing lands where it was not asked for."""
    for each in objects:
        if each["kind"] != "Namespace" and each["metadata"].get("namespace") != NAMESPACE:
            yield f"{title(each)}: in {each['metadata'].get('namespace')}"


def selectors_choose_their_own(objects: list[Manifest]) -> Iterator[str]:
    """A workload's selector means its own pods and no other's, its spread and its budget too."""
    workloads = of_kind(objects, "Deployment", "StatefulSet")
    for workload in workloads:
        chosen = [
            each for each in workloads if selects(workload["spec"]["selector"], labels_of(each))
        ]
        if chosen != [workload]:
            yield f"{title(workload)}: selects {[title(each) for each in chosen]}"


def pods_are_spread(objects: list[Manifest]) -> Iterator[str]:
    """Over machines and zones."""
    for workload in of_kind(objects, "Deployment"):
        if not is_ours(workload):
            continue
        spread = pod_of(workload)["spec"].get("topologySpreadConstraints", [])
        keys = {
            each["topologyKey"]
            for each in spread
            if selects(each["labelSelector"], labels_of(workload))
        }
        if keys != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{title(workload)}: is spread over {sorted(keys)}"


def drains_take_one_at_a_time(objects: list[Manifest]) -> Iterator[str]:
    """Each Deployment of ours has one budget, which lets a drain go on."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    for workload in of_kind(objects, "Deployment"):
        if not is_ours(workload):
            continue
        its = [each for each in budgets if selects(each["spec"]["selector"], labels_of(workload))]
        if [each["spec"].get("maxUnavailable") for each in its] != [1]:
            yield f"{title(workload)}: {len(its)} budgets, or one that stops drains"


def one_thing_scales_each(objects: list[Manifest]) -> Iterator[str]:
    """A number, an HPA or a ScaledObject: one of them; KEDA's by the backlog of that queue."""
    scalers = of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
    for workload in of_kind(objects, "Deployment"):
        name = workload["metadata"]["name"]
        its = [each for each in scalers if each["spec"]["scaleTargetRef"]["name"] == name]
        if len(its) + ("replicas" in workload["spec"]) != 1:
            yield f"{title(workload)}: scaled by {[title(each) for each in its]} or a number"
        for each in of_kind(its, "ScaledObject"):
            (trigger,) = each["spec"]["triggers"]
            queues = set(re.findall(r'queue="([^"]*)"', trigger["metadata"]["query"]))
            if queues != {labels_of(workload).get("milepost/queue")}:
                yield f"{title(each)}: measures {sorted(queues)}"
    for each in scalers:
        targets = {w["metadata"]["name"] for w in of_kind(objects, "Deployment")}
        if each["spec"]["scaleTargetRef"]["name"] not in targets:
            yield f"{title(each)}: scales nothing"


def own_queues_are_served(objects: list[Manifest]) -> Iterator[str]:
    """Some worker takes each queue that Milepost's own tasks wait in."""
    served: set[str] = set()
    for workload in of_kind(objects, "Deployment"):
        for container in pod_of(workload)["spec"]["containers"]:
            for each in container.get("env", []):
                if each["name"] == "MILEPOST_QUEUES":
                    queue = labels_of(workload).get("milepost/queue", "")
                    served |= set(each.get("value", queue).split(","))
    for queue in sorted({"default", bulk.QUEUE} - served):
        yield f"no worker takes {queue}"


def services_lead_to_pods(objects: list[Manifest]) -> Iterator[str]:
    """Each Service selects pods that have its port, and every way in leads to a Service."""
    services = {each["metadata"]["name"]: each for each in of_kind(objects, "Service")}
    for name, service in services.items():
        selector = {"matchLabels": service["spec"]["selector"]}
        found = [w for w in of_kind(objects, *WORKLOADS) if selects(selector, labels_of(w))]
        if bool(found) == (name == LEADS_NOWHERE):
            yield f"{title(service)}: selects {[title(each) for each in found]}"
        for workload in found:
            ports = {port for c in pod_of(workload)["spec"]["containers"] for port in _ports(c)}
            if not {each["targetPort"] for each in service["spec"]["ports"]} <= ports:
                yield f"{title(service)}: {title(workload)} has no such port"
    for each in of_kind(objects, "Ingress", "HTTPRoute"):
        for name, port in _backends(each["spec"]):
            ports = services.get(name, {"spec": {"ports": []}})["spec"]["ports"]
            if not any(port in (p["name"], p["port"]) for p in ports):
                yield f"{title(each)}: leads to {name}:{port}"


def what_is_named_is_there(objects: list[Manifest]) -> Iterator[str]:
    """ConfigMaps that pods take are rendered; commands and settings are the program's."""
    config = {each["metadata"]["name"]: each for each in of_kind(objects, "ConfigMap")}
    known = {f"MILEPOST_{name.upper()}" for name in Settings.model_fields}
    for name, container, spec in containers(objects):
        sources = [each["configMapRef"]["name"] for each in container.get("envFrom", [])]
        mounted = [v["configMap"]["name"] for v in spec.get("volumes", []) if "configMap" in v]
        for each in [*sources, *mounted]:
            if each not in config:
                yield f"{name}: no ConfigMap {each}"
        if "milepost" not in container["image"]:
            continue
        if (container.get("args") or [""])[0] not in commands():
            yield f"{name}: no command {container.get('args')}"
        given = {each["name"] for each in container["env"]}
        for source in sources:
            given |= config.get(source, {"data": {}})["data"].keys()
        if given - known:
            yield f"{name}: no settings {sorted(given - known)}"


def what_is_scraped_is_there(objects: list[Manifest]) -> Iterator[str]:
    """Every process of ours is scraped once, at a port that it has."""
    scraped: list[str] = []
    for monitor in of_kind(objects, "ServiceMonitor", "PodMonitor"):
        spec = monitor["spec"]
        (endpoint,) = spec.get("endpoints") or spec["podMetricsEndpoints"]
        for workload in of_kind(objects, "Deployment"):
            (container,) = pod_of(workload)["spec"]["containers"]
            if selects(spec["selector"], labels_of(workload)):
                scraped.append(title(workload))
                if endpoint["port"] not in _ports(container):
                    yield f"{title(monitor)}: {title(workload)} has no port {endpoint['port']}"
    ours = [title(each) for each in of_kind(objects, "Deployment") if is_ours(each)]
    if of_kind(objects, "PodMonitor") and sorted(scraped) != sorted(ours):
        yield f"scraped: {sorted(scraped)}"


def _ports(container: Manifest) -> set[str]:
    return {each["name"] for each in container.get("ports", [])}


def _backends(node: Any) -> Iterator[tuple[str, str | int]]:
    """Whatever an Ingress or an HTTPRoute leads to, however deep."""
    if isinstance(node, dict):
        fields = cast(Manifest, node)
        if "service" in fields:
            yield fields["service"]["name"], next(iter(fields["service"]["port"].values()))
        for each in fields.get("backendRefs", []):
            yield each["name"], each["port"]
        node = list(fields.values())
    if isinstance(node, list):
        for each in cast(list[Any], node):
            yield from _backends(each)
