"""Who may talk to whom in deploy/k8s: worked out from the policies, not read off their names."""

from collections.abc import Iterator
from typing import Any

import pytest

from manifests import WORKLOADS, Manifest, labels_of, of_kind, overlay, selects

EXPECTED = {
    "submit": {("notify", 8000), ("submit", 8000), ("valkey", 6379), ("postgres", 5432)},
    "notify": {("notify", 8000), ("submit", 8000), ("valkey", 6379), ("postgres", 5432)},
    "worker": {("notify", 8000), ("submit", 8000), ("valkey", 6379), ("mailpit", 1025)},
    "projector": {("valkey", 6379), ("postgres", 5432)},
    "migrate": {("postgres", 5432)},
    "valkey": set[tuple[str, int]](),
    "postgres": set[tuple[str, int]](),
    "mailpit": set[tuple[str, int]](),
}


def pods(objects: list[Manifest]) -> dict[str, dict[str, str]]:
    """The labels of each kind of pod."""
    found = (labels_of(each) for each in of_kind(objects, *WORKLOADS))
    return {
        each.get("app.kubernetes.io/component", each["app.kubernetes.io/name"]): each
        for each in found
    }


def allowed(
    policies: list[Manifest], way: str, one: dict[str, str], other: dict[str, str]
) -> set[int]:
    """The ports at which `one` may be reached by (Ingress) or may reach (Egress) `other`."""
    found = set[int]()
    for policy in policies:
        spec = policy["spec"]
        if way not in spec["policyTypes"] or not selects(spec["podSelector"], one):
            continue
        for rule in spec.get(way.lower(), []):
            peers: list[Any] = rule.get("from" if way == "Ingress" else "to", [{"podSelector": {}}])
            if any(
                "podSelector" in peer
                and "namespaceSelector" not in peer
                and selects(peer["podSelector"], other)
                for peer in peers
            ):
                found |= {each["port"] for each in rule["ports"]}
    return found


def talks(objects: list[Manifest]) -> dict[str, set[tuple[str, int]]]:
    """Who reaches whom, at which port: both sides have to allow it."""
    policies, kinds = of_kind(objects, "NetworkPolicy"), pods(objects)
    return {
        one: {
            (other, port)
            for other, theirs in kinds.items()
            for port in allowed(policies, "Egress", its, theirs)
            & allowed(policies, "Ingress", theirs, its)
        }
        for one, its in kinds.items()
    }


def peers_outside(objects: list[Manifest], way: str, labels: dict[str, str]) -> Iterator[str]:
    """Networks and namespaces that a pod may exchange with, and at which ports."""
    side = "from" if way == "Ingress" else "to"
    for policy in of_kind(objects, "NetworkPolicy"):
        spec = policy["spec"]
        if way in spec["policyTypes"] and selects(spec["podSelector"], labels):
            for rule in spec.get(way.lower(), []):
                ports = ",".join(str(each["port"]) for each in rule["ports"])
                for peer in rule[side]:
                    if "ipBlock" in peer:
                        yield f"{peer['ipBlock']['cidr']} {ports}"
                    elif "namespaceSelector" in peer:
                        (name,) = peer["namespaceSelector"]["matchLabels"].values()
                        yield f"{name} {ports}"


@pytest.mark.parametrize("name", ["trial", "production"])
def test_nothing_is_allowed_that_no_policy_allows(name: str) -> None:
    (deny,) = (
        each
        for each in of_kind(overlay(name), "NetworkPolicy")
        if each["metadata"]["name"] == "deny-all"
    )
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_processes_talk_to_whom_they_need_and_to_nobody_else() -> None:
    assert talks(overlay("trial")) == EXPECTED


def test_in_production_they_talk_to_each_other_alone() -> None:
    assert talks(overlay("production")) == {
        name: {(to, port) for to, port in peers if port == 8000}
        for name, peers in EXPECTED.items()
        if name not in ("valkey", "postgres", "mailpit")
    }


def test_what_leaves_the_namespace_is_the_stores_mail_and_names() -> None:
    objects = overlay("production")
    names, redis, sql = "kube-system 53,53", "10.0.0.0/8 6379,6380", "10.0.0.0/8 5432,6432"
    assert {
        name: set(peers_outside(objects, "Egress", labels))
        for name, labels in pods(objects).items()
    } == {
        "submit": {names, redis, sql},
        "notify": {names, redis, sql},
        "projector": {names, redis, sql},
        "worker": {names, redis, "0.0.0.0/0 465,587"},
        "migrate": {names, sql},
    }


def test_what_comes_in_is_people_at_the_services_and_prometheus() -> None:
    objects = overlay("production")
    scraping = "monitoring 8000,9191"
    assert {
        name: set(peers_outside(objects, "Ingress", labels))
        for name, labels in pods(objects).items()
    } == {
        "submit": {"true 8000", scraping},
        "notify": {"true 8000", scraping},
        "projector": {scraping},
        "worker": {scraping},
        "migrate": {scraping},
    }


def test_a_policy_that_is_taken_away_is_missed() -> None:
    objects = overlay("trial")
    for name in ("to-valkey", "valkey"):
        fewer = [
            each
            for each in objects
            if each["metadata"]["name"] != name or "Policy" not in each["kind"]
        ]
        assert talks(fewer) != EXPECTED
