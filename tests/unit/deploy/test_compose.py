"""The compose file, the Dockerfile and what they bring along, as texts: no engine is asked."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from milepost.settings import Settings
from milepost_cli.checkout import ROOT
from milepost_cli.env_file import NAMES

COMPOSE = ROOT / "docker-compose.yml"
FOLDER = ROOT / "deploy" / "compose"
TEXT = COMPOSE.read_text()
OURS = ("submit", "notify", "projector", "worker", "migrate")
NOT_FOR_CONTAINERS = {
    "NAMESPACE", # Valkey's user is kept to the keys of `mp`
    "HOST", "METRICS_PORT", # the image has them
    "URL", "TOKEN", # the terminal client's
}  # fmt: skip


def services() -> dict[str, dict[str, Any]]:
    """What compose is told of each service."""
    return yaml.safe_load(TEXT)["services"]


def test_every_setting_gets_into_some_container() -> None:
    said = {name for each in OURS for name in services()[each]["environment"]}
    expected = {f"MILEPOST_{name.upper()}" for name in Settings.model_fields}
    assert expected - said == {f"MILEPOST_{name}" for name in NOT_FOR_CONTAINERS}
    assert said <= expected


def test_secrets_go_where_they_are_used_and_nowhere_else() -> None:
    with_secret = {
        n for n, s in services().items() if "MILEPOST_SECRET" in s.get("environment", {})
    }
    assert with_secret == {"submit", "notify", "worker"}
    with_database = {n for n, s in services().items() if "POSTGRES" in str(s.get("environment"))}
    # Valkey and Grafana take its password where they have none of their own.
    assert not with_database & {"proxy", "mailpit", "prometheus", "otel-collector"}
    assert "MILEPOST_DATABASE_URL" not in services()["worker"]["environment"]


def test_compose_asks_for_nothing_that_init_does_not_make() -> None:
    required = set(re.findall(r"\$\{(\w+):\?run \./milepost init\}", TEXT))
    assert required == {"MILEPOST_SECRET", "POSTGRES_PASSWORD"}
    assert len(re.findall(r":\?", TEXT)) == len(re.findall(r":\?run \./milepost init\}", TEXT))
    assert set(NAMES) >= required
    assert {name for name in NAMES if name not in TEXT} == set()


def test_the_file_of_secrets_is_ignored_by_git_and_not_sent_to_the_engine() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    context = (ROOT / ".dockerignore").read_text().splitlines()
    assert context[1] == "*"
    assert not [line for line in context if line.startswith("!") and "env" in line]


@pytest.mark.parametrize("name", sorted(services()))
def test_every_container_is_kept_small_and_within_its_rights(name: str) -> None:
    service = services()[name]
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    one_shot = name in ("migrate", "valkey-cluster")
    assert service["restart"] == ("on-failure:5" if one_shot else "unless-stopped")
    assert "privileged" not in service
    for published in service.get("ports", ()):
        assert published.startswith("127.0.0.1:")


def test_every_image_from_elsewhere_has_an_exact_version() -> None:
    images = {service["image"] for service in services().values()} - {
        "${MILEPOST_IMAGE:-milepost:local}"
    }
    assert all(re.search(r":v?\d+\.\d+(\.\d+)?(-|$)", image) for image in images), images
    assert "python:3.13-slim-bookworm" in (ROOT / "Dockerfile").read_text()


def test_stores_are_reached_by_our_programs_alone() -> None:
    assert yaml.safe_load(TEXT)["networks"]["stores"] == {"internal": True}
    inside = {n for n, s in services().items() if "stores" in s.get("networks", ())}
    assert inside == {*OURS, "postgres", "valkey", "valkey-2", "valkey-3", "valkey-cluster"}


def test_the_user_of_valkey_is_the_one_of_the_page() -> None:
    page = (ROOT / "docs" / "redis-commands.md").read_text()
    rule = re.search(r"^ACL SETUSER (milepost .*)$", page, re.M)
    assert rule
    assert (FOLDER / "valkey" / "milepost.acl").read_text() == f"user {rule[1]}\n"
    more = re.search(r"rights='(.*)'", (FOLDER / "valkey" / "start.sh").read_text())
    assert more
    assert f"`{more[1].strip()}`".split("+")[1:] == _of_a_cluster(page)


def _of_a_cluster(page: str) -> list[str]:
    found = re.search(r"A cluster needs (`.*`) as well", page)
    assert found
    return found[1].replace("` and `", " ").split("+")[1:]


def test_the_log_is_kept_as_promised() -> None:
    lines = (FOLDER / "valkey" / "valkey.conf").read_text().splitlines()
    for line in ("appendonly yes", "appendfsync always", "maxmemory-policy noeviction"):
        assert line in lines


def test_the_proxy_outwaits_long_polls_and_holds_nothing_back() -> None:
    text = (FOLDER / "proxy" / "nginx.conf").read_text()
    assert "proxy_buffering off;" in text
    seconds = re.search(r"proxy_read_timeout (\d+)s;", text)
    assert seconds
    assert int(seconds[1]) > 30
    assert "$proxy_add_x_forwarded_for" not in text


def test_the_dockerfile_installs_what_the_locks_say_alone() -> None:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    installs = re.findall(r"pip(?: --python \S+)? install [^&|]*", text)
    assert len(installs) == 3
    for each in installs:
        assert "--require-hashes" in each or "--offline" in each
    assert text.count("ENTRYPOINT [") == text.count("ENTRYPOINT") == 1


def test_nothing_the_image_is_made_from_is_missing() -> None:
    sources = re.findall(r"^COPY (?!--from)(\S+) ", (ROOT / "Dockerfile").read_text(), re.M)
    assert sources
    for source in sources:
        assert Path(ROOT, source).exists(), source
