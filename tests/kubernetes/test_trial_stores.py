"""The stores of the trial are what Milepost needs: Valkey's own files start a real server."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from manifests import KUBERNETES, WORKLOADS, containers, named, of_kind, overlay, pod_of
from milepost_cli.checkout import ROOT
from milepost_cli.doctor import targets
from redis_users import rule
from valkey_server import Valkey

FILES = KUBERNETES / "components" / "valkey"
DEPLOYMENT = ROOT / "docs" / "deployment.md"
WORD = "a-password-of-the-trial"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A real one, by the files that the pod mounts, its users made as the pod makes them."""
    folder = tmp_path_factory.mktemp("valkey")
    (folder / "data").mkdir()
    spec = pod_of(named(overlay("trial"), "StatefulSet", "valkey"))["spec"]
    (users,) = spec["initContainers"]
    place = {"CONFIG": str(FILES), "USERS": str(folder / "users.acl"), "VALKEY_PASSWORD": WORD}
    assert {each["name"] for each in users["env"]} == set(place)
    script = Path(users["command"][-1]).name
    subprocess.run(["sh", FILES / script], env=os.environ | place, check=True, timeout=20)
    text = (FILES / "valkey.conf").read_text()
    text = text.replace("dir /data", f"dir {folder / 'data'}").replace("/acl", str(folder))
    (folder / "valkey.conf").write_text(text)
    one = Valkey(folder, file=folder / "valkey.conf")
    one.start()
    yield one
    one.stop()


def test_the_doctor_finds_that_valkey_promises_what_it_has_to(server: Valkey) -> None:
    url = f"redis://milepost:{WORD}@127.0.0.1:{server.port}/0"
    found = {each.check: each for each in targets.findings([url])}
    assert {each.status for each in found.values()} == {"ok"}, found
    assert {"redis durability", "redis eviction", "redis memory", "redis rights"} <= found.keys()


def test_valkey_knows_one_user_with_the_documented_rights(server: Valkey) -> None:
    assert (FILES / "user.acl").read_text().split() == rule()[3:]
    with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()  # pyright: ignore[reportUnknownMemberType]  # untyped
    with (
        redis.Redis(port=server.port, username="milepost", password=WORD) as client,
        pytest.raises(NoPermissionError),
    ):
        client.flushall()  # pyright: ignore[reportUnknownMemberType]  # untyped


def test_the_page_makes_the_secret_that_the_trial_takes() -> None:
    made = set(re.findall(r"--from-literal=(\w+)=", DEPLOYMENT.read_text()))
    taken = {
        variable["valueFrom"]["secretKeyRef"]["key"]
        for workload in of_kind(overlay("trial"), *WORKLOADS)
        for container in [
            *pod_of(workload)["spec"].get("initContainers", []),
            *pod_of(workload)["spec"]["containers"],
        ]
        for variable in container.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert made == taken


def test_the_stores_are_those_of_docker_compose() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    images = {container["image"] for _, container, _ in containers(overlay("trial"))}
    others = {image for image in images if not image.startswith("milepost:")}
    assert others <= set(re.findall(r"^\s*image: (\S+)$", compose, re.M))
    assert len(others) == 3
