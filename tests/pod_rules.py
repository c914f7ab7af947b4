"""Owns the rules that each pod of deploy/k8s keeps. A rule yields what breaks it, in words."""

import re
from collections.abc import Iterator

from manifests import WORKLOADS, Manifest, containers, is_ours, labels_of, of_kind, pod_of, title
from milepost.settings import Settings
from milepost_worker.main import TURN_SECONDS

MARGIN_SECONDS = 5
SECRETS = {
    "submit": {"MILEPOST_SECRET", "MILEPOST_REDIS_URL", "MILEPOST_DATABASE_URL"},
    "notify": {"MILEPOST_SECRET", "MILEPOST_REDIS_URL", "MILEPOST_DATABASE_URL"},
    "projector": {"MILEPOST_REDIS_URL", "MILEPOST_DATABASE_URL"},
    "worker": {"MILEPOST_SECRET", "MILEPOST_REDIS_URL", "MILEPOST_SMTP_URL"},
    "migrate": {"MILEPOST_DATABASE_URL"},
}
"""What each process cannot do without; it gets no more."""


def images_are_pinned(objects: list[Manifest]) -> Iterator[str]:
    """Every image has a version."""
    for name, container, _ in containers(objects):
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        if not re.search(r"\d", tag):
            yield f"{name}: {container['image']} has no version"


def pods_are_restricted(objects: list[Manifest]) -> Iterator[str]:
    """Every pod fits the Pod Security Standard `restricted`, and its root is read-only."""
    for workload in of_kind(objects, *WORKLOADS):
        spec = pod_of(workload)["spec"]
        context = spec.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{title(workload)}: may be root"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{title(workload)}: no seccomp profile"
        if any(spec.get(each) for each in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{title(workload)}: shares the host's"
        for volume in spec.get("volumes", []):
            if not volume.keys() <= {"name", "configMap", "emptyDir", "secret"}:
                yield f"{title(workload)}: volume {volume['name']}"
            if "sizeLimit" not in volume.get("emptyDir", {"sizeLimit": ""}):
                yield f"{title(workload)}: volume {volume['name']} is unbounded"
    for name, container, _ in containers(objects):
        if container.get("securityContext") != {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }:
            yield f"{name}: not restricted"


def pods_have_an_identity_without_a_token(objects: list[Manifest]) -> Iterator[str]:
    """Every workload has a ServiceAccount of its own kind, and nobody gets a token."""
    accounts = {each["metadata"]["name"]: each for each in of_kind(objects, "ServiceAccount")}
    for workload in of_kind(objects, *WORKLOADS):
        spec = pod_of(workload)["spec"]
        account = accounts.get(spec.get("serviceAccountName", "default"))
        if account is None:
            yield f"{title(workload)}: no identity of its own"
        elif account.get("automountServiceAccountToken") is not False:
            yield f"{title(account)}: gives a token"
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{title(workload)}: takes a token"
        if spec.get("enableServiceLinks") is not False:
            yield f"{title(workload)}: services' variables would read as settings"


def resources_are_bounded(objects: list[Manifest]) -> Iterator[str]:
    """Every container asks for what it needs, and its memory has an end."""
    for name, container, _ in containers(objects):
        given = container.get("resources", {})
        if given.get("requests", {}).keys() != {"cpu", "memory"}:
            yield f"{name}: does not ask for processor and memory"
        if "memory" not in given.get("limits", {}):
            yield f"{name}: may take all memory"


def probes_mean_something(objects: list[Manifest]) -> Iterator[str]:
    """Ready is "can do its work"; live is "not stuck", and asks nothing about others."""
    for workload in of_kind(objects, "Deployment", "StatefulSet"):
        for container in pod_of(workload)["spec"]["containers"]:
            name = f"{title(workload)} {container['name']}"
            ports = {each["name"] for each in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe not in container:
                    yield f"{name}: no {probe}"
                    continue
                port = container[probe].get("httpGet", {}).get("port", next(iter(ports)))
                if port not in ports:
                    yield f"{name}: {probe} asks at port {port}, which is none of its"
            paths = {
                probe: container.get(f"{probe}Probe", {}).get("httpGet", {}).get("path", "")
                for probe in ("readiness", "liveness")
            }
            if is_ours(workload) and not paths["readiness"].endswith("/readyz"):
                yield f"{name}: ready is not readyz"
            if is_ours(workload) and not paths["liveness"].endswith("/livez"):
                yield f"{name}: live is not livez"


def pods_stop_in_time(objects: list[Manifest]) -> Iterator[str]:
    """Kubernetes kills nobody who keeps to what he promises; who is routed to serves on a while."""
    (settings,) = (
        each["data"]
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"]["name"].startswith("milepost-")
    )
    default = Settings.model_fields["grace_seconds"].default
    grace = float(settings.get("MILEPOST_GRACE_SECONDS", default))
    for workload in of_kind(objects, "Deployment"):
        if not is_ours(workload):
            continue
        spec = pod_of(workload)["spec"]
        given = spec.get("terminationGracePeriodSeconds", 30)
        (container,) = spec["containers"]
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        component = labels_of(workload)["app.kubernetes.io/component"]
        if component in ("submit", "notify") and not pause:
            yield f"{title(workload)}: stops while it is still routed to"
        needed = pause + MARGIN_SECONDS + (grace + TURN_SECONDS if component == "worker" else 5)
        if given < needed:
            yield f"{title(workload)}: is killed after {given} s, and may take {needed:g} s"


def secrets_are_references(objects: list[Manifest]) -> Iterator[str]:
    """No manifest holds a secret, and each process has those it needs and no others."""
    for each in of_kind(objects, "Secret"):
        yield f"{title(each)}: a secret in a manifest"
    for config in of_kind(objects, "ConfigMap"):
        for key, value in config["data"].items():
            if _is_secret(key, value):
                yield f"{title(config)}: {key}"
    for name, container, _ in containers(objects):
        for variable in container.get("env", []):
            if _is_secret(variable["name"], variable.get("value", "")):
                yield f"{name}: {variable['name']} is written out"
    for workload in of_kind(objects, *WORKLOADS):
        if is_ours(workload):
            component = labels_of(workload)["app.kubernetes.io/component"]
            (container,) = pod_of(workload)["spec"]["containers"]
            given = {
                each["name"]
                for each in container["env"]
                if "secretKeyRef" in each.get("valueFrom", {})
            }
            if given != SECRETS[component]:
                yield f"{title(workload)}: has the secrets {sorted(given)}"


def _is_secret(name: str, value: str) -> bool:
    is_named = re.search(r"PASSWORD|SECRET|TOKEN|(REDIS|DATABASE|SMTP)_URL", name)
    return bool(value and (is_named or re.search(r"://[^/\s]*:[^/\s]*@", value)))
