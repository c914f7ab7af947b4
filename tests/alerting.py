"""Owns the alert rules of deploy/k8s as Prometheus reads them, and the programs that read them."""

import re
import shutil
from pathlib import Path

import yaml

from manifests import Manifest, named, overlay

FUNCTIONS_AND_WORDS = {
    "abs", "absent", "and", "by", "histogram_quantile", "increase", "max", "min", "or", "rate",
    "sum",
}  # fmt: skip


def program(name: str) -> str:
    """`prometheus` or `promtool`."""
    path = shutil.which(name)
    assert path is not None, f"no {name}: apt-get install prometheus"
    return path


def rules() -> list[Manifest]:
    """All of them."""
    (group,) = named(overlay("production"), "PrometheusRule", "milepost")["spec"]["groups"]
    return group["rules"]


def write_rules(file: Path, *, at_once: bool = False) -> None:
    """As a file of rules; `at_once`: they wait for nothing before they fire."""
    text = [{**each, "for": "0s"} if at_once else each for each in rules()]
    file.write_text(yaml.safe_dump({"groups": [{"name": "milepost", "rules": text}]}))


def metrics_in(expression: str) -> dict[str, set[str]]:
    """The metrics that an expression names, each with the labels that it is chosen or grouped by.

    Labels of a grouping count for every metric of the expression but the buckets' own `le`.
    """
    grouped = {
        label
        for labels in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in re.split(r",\s*", labels)
    }
    bare = re.sub(r"\bby \([^)]*\)|\[[^]]*\]", " ", expression)
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"([a-z_]\w*)\b(?!\s*\()(?:\{([^}]*)\})?", strip_text(bare)):
        if name not in FUNCTIONS_AND_WORDS:
            chosen = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))
            found[name] = chosen | grouped - {"le", "instance"}
    return found


def strip_text(expression: str) -> str:
    """Without what stands in quotes."""
    return re.sub(r'"[^"]*"', '""', expression)
