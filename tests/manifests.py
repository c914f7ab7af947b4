"""Owns rendering deploy/k8s as `kubectl apply -k` would send it. Applies nothing."""

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from milepost_cli.checkout import ROOT

KUBERNETES = ROOT / "deploy" / "k8s"
OVERLAYS = ("trial", "production")
WORKLOADS = {"Deployment", "StatefulSet", "Job"}

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    """Everything that a kustomization makes, in its order."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


@cache
def _rendered(overlay: str) -> list[Manifest]:
    return render(KUBERNETES / "overlays" / overlay)


def overlay(name: str) -> list[Manifest]:
    """One of ours, for the caller to change."""
    return deepcopy(_rendered(name))


def of_kind(objects: list[Manifest], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects: list[Manifest], kind: str, name: str) -> Manifest:
    """The one of a kind with a name."""
    return next(each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)


def title(manifest: Manifest) -> str:
    """How a finding names it."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pod_of(workload: Manifest) -> Manifest:
    """The template of its pods."""
    return workload["spec"]["template"]


def labels_of(workload: Manifest) -> dict[str, str]:
    """Of its pods."""
    return pod_of(workload)["metadata"]["labels"]


def is_ours(workload: Manifest) -> bool:
    """Whether it runs the image of Milepost."""
    return labels_of(workload)["app.kubernetes.io/name"] == "milepost"


def containers(objects: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Each container, with a title and its pod's spec; those that only begin a pod too."""
    for workload in of_kind(objects, *WORKLOADS):
        spec = pod_of(workload)["spec"]
        for each in [*spec.get("initContainers", []), *spec["containers"]]:
            yield f"{title(workload)} {each['name']}", each, spec


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector, with expressions or without, means these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", "no other operator is understood here"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return True
