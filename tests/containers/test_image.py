"""The image: small, without what installs or compiles, for nobody special; it stops when told."""

import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from container_engine import Engine, client
from container_images import BASE, NEXT, OURS
from milepost_cli.checkout import ROOT
from milepost_cli.release import build_image

pytestmark = pytest.mark.timeout(1800)  # the first to ask for the engine waits for the builds
MAX_BYTES = 200_000_000
TOOLS = {
    "sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "pip", "pip3", "uv", "uvx", "gcc",
    "cc", "ld", "as", "strip", "make", "perl", "curl", "wget", "git",
}  # fmt: skip


@pytest.fixture(scope="module")
def image(engine: Engine) -> dict[str, Any]:
    (only,) = json.loads(engine.ask("inspect", OURS))
    return only


@pytest.fixture(scope="module")
def files(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Everything in it, by path."""
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    container = engine.ask("create", OURS)
    engine.run("export", "--output", archive, container)
    engine.run("rm", container)
    with tarfile.open(archive) as tar:
        names = [member.name for member in tar if not member.isdir()]
    archive.unlink()
    return names


def test_it_is_small(image: dict[str, Any]) -> None:
    assert 50_000_000 < image["Size"] < MAX_BYTES


def test_nothing_in_it_installs_compiles_or_interprets_shell(files: list[str]) -> None:
    assert len(files) > 1000
    programs = {
        Path(name).name for name in files if "/bin/" in f"/{name}" or "/sbin/" in f"/{name}"
    }
    assert "python3" in programs
    assert not programs & TOOLS
    assert not [name for name in files if "/site-packages/pip/" in name or "ensurepip" in name]


def test_its_packages_are_those_of_the_locks_and_known_to_scanners(files: list[str]) -> None:
    assert [name for name in files if name.startswith("var/lib/dpkg/status.d/libc6")]
    assert [name for name in files if "redis-8" in name and name.endswith("METADATA")]
    assert not [name for name in files if "/site-packages/pytest/" in name]


def test_it_runs_as_nobody_special_by_an_exec_form(image: dict[str, Any]) -> None:
    config = image["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["milepost"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "milepost", "probe"]


def test_labels_say_which_version_it_is(engine: Engine, image: dict[str, Any]) -> None:
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.0.0"
    assert {"title", "licenses", "revision", "created"} <= {
        label.removeprefix("org.opencontainers.image.") for label in labels
    }
    (other,) = json.loads(engine.ask("inspect", NEXT))
    assert other["Config"]["Labels"]["org.opencontainers.image.version"] == "1.0.1"


def test_a_release_builds_and_tags_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (engine.environment | {"BASE_IMAGE": BASE, "BUILD_NETWORK": "host"}).items():
        monkeypatch.setenv(name, value)
    tag = build_image(ROOT, "3.2.1", client())
    assert tag == "milepost:3.2.1"
    (built,) = json.loads(engine.ask("inspect", tag))
    labels = built["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "3.2.1"
    assert len(labels["org.opencontainers.image.revision"]) == 40
    assert engine.ask("run", "--rm", "--network=none", tag, "--version").startswith("milepost ")


def test_it_needs_no_writable_root_and_no_rights(engine: Engine) -> None:
    said = engine.ask(
        "run", "--rm", "--read-only", "--network=none", "--cap-drop=ALL",
        "--security-opt=no-new-privileges", OURS, "--version",
    )  # fmt: skip
    assert said.startswith("milepost ")


def test_its_first_process_heeds_sigterm_while_it_still_imports(engine: Engine) -> None:
    """The kernel lets pid 1 sleep through what it does not handle."""
    container = engine.ask(
        "run", "--detach", "--network=none", "--env=MILEPOST_REDIS_URL=redis://127.0.0.1:1/0",
        OURS, "worker",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    # Again and again: the first may come before there is a line of Python to heed it.
    while engine.ask("inspect", "--format", "{{.State.Running}}", container) == "true":
        engine.run("kill", "--signal=TERM", container, check=False)
        assert time.monotonic() < deadline
    code = engine.ask("inspect", "--format", "{{.State.ExitCode}}", container)
    engine.run("rm", container)
    assert code == "143"
