"""A server that keeps no promise is found out: at start, and when it is set otherwise later."""

import logging
from typing import Any

import pytest

from milepost.errors import ConfigurationError
from milepost_log import server_checks
from milepost_log.connection import connect
from milepost_log.server_checks import Watch, at_start
from redis_users import MILEPOST
from valkey_server import StartValkey, Valkey

LOGGER = "milepost_log.server_checks"


@pytest.fixture(autouse=True)
def said_nothing_yet(caplog: pytest.LogCaptureFixture) -> None:
    server_checks._say.cache_clear()  # pyright: ignore[reportPrivateUsage]  # a process of its own, as it were
    caplog.set_level(logging.INFO, LOGGER)


@pytest.fixture
def server(durable_valkey: Valkey) -> Valkey:
    """One that keeps what it has acknowledged."""
    return durable_valkey


def without_config(server: Valkey) -> str:
    """The URL of a user as managed services give it: everything but CONFIG."""
    with connect(server.administrator_url) as client:
        admin: Any = client
        admin.execute_command("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-config")
    return server.url.replace(MILEPOST, "app:pw")


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records if each.name == LOGGER]


def test_a_server_that_keeps_every_write_is_accepted_without_a_word(
    server: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    at_start(server.url, "fsync")
    assert said(caplog) == []


@pytest.mark.parametrize("config", [True, False], ids=["with CONFIG", "CONFIG refused"])
def test_a_server_that_appends_to_no_file_stops_the_start_with_the_remedy(
    config: bool, own_valkey: Valkey
) -> None:
    url = own_valkey.url if config else without_config(own_valkey)
    with pytest.raises(ConfigurationError, match="set appendonly yes and appendfsync always, or"):
        at_start(url, "fsync")


def test_a_server_that_syncs_every_second_stops_the_start(start_valkey: StartValkey) -> None:
    server = start_valkey(appendfsync="everysec")
    with pytest.raises(ConfigurationError, match="appendfsync everysec"):
        at_start(server.url, "fsync")


def test_durability_memory_accepts_any_server_and_says_so_once(
    valkey_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    at_start(valkey_url, "memory")
    at_start(valkey_url, "memory")
    [(level, message)] = said(caplog)
    assert level == "WARNING"
    assert "may be lost" in message


@pytest.mark.parametrize("durability", ["fsync", "memory"])
@pytest.mark.parametrize("config", [True, False], ids=["with CONFIG", "CONFIG refused"])
def test_a_server_that_evicts_stops_the_start_whatever_the_durability(
    server: Valkey, config: bool, durability: server_checks.Durability
) -> None:
    url = server.url if config else without_config(server)
    with connect(server.administrator_url) as client:
        admin: Any = client
        admin.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(ConfigurationError, match="set maxmemory-policy noeviction"):
        at_start(url, durability)


def test_where_config_is_refused_appendfsync_is_taken_on_trust_with_one_warning(
    server: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    url = without_config(server)
    at_start(url, "fsync")
    watch = Watch("fsync")
    with connect(url) as client:
        watch.look(client)
        watch.look(client)
    assert watch.fault is None
    [(level, message)] = said(caplog)
    assert level == "WARNING"
    assert "on trust" in message
    with connect(server.administrator_url) as client:
        admin: Any = client
        refused = admin.execute_command("ACL", "LOG")
    assert len(refused) == 1
    assert int(refused[0][b"count"] if isinstance(refused[0], dict) else refused[0][1]) == 2


def test_where_info_is_refused_too_everything_is_taken_on_trust(
    server: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    url = without_config(server)
    with connect(server.administrator_url) as client:
        admin: Any = client
        admin.execute_command("ACL", "SETUSER", "app", "-info")
    at_start(url, "fsync")
    assert [level for level, _ in said(caplog)] == ["WARNING", "WARNING"]


def test_a_server_that_is_away_stops_no_start() -> None:
    at_start("redis://127.0.0.1:1/0", "fsync")


def test_a_server_set_otherwise_later_is_one_error_until_it_is_right_again(
    server: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch("fsync")
    with connect(server.administrator_url) as client:
        admin: Any = client
        watch.look(client)
        admin.config_set("appendfsync", "no")
        watch.look(client)
        watch.look(client)
        assert watch.fault is not None
        assert "appendfsync no" in watch.fault
        admin.config_set("appendfsync", "always")
        watch.look(client)
    assert watch.fault is None
    assert [level for level, _ in said(caplog)] == ["ERROR", "INFO"]
