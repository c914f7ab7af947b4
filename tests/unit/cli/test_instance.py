"""What a running `up` leaves for operators' commands, and which Milepost those work on."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost.errors import ConfigurationError
from milepost_cli import instance, operating
from milepost_cli.folder import DataFolder

URL = "redis://:pw@127.0.0.1:20001/0"
ENVIRONMENT = {
    "MILEPOST_REDIS_URL": URL,
    "MILEPOST_DATABASE_URL": "sqlite+aiosqlite:////data/milepost.db",
    "MILEPOST_NAMESPACE": "own",
    "MILEPOST_PARTITIONS": "3",
    "MILEPOST_SECRET": "nobody else's",
    "PATH": "/bin",
}


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in [name for name in os.environ if name.startswith("MILEPOST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    """Give a folder that something runs in."""
    found = DataFolder(tmp_path / ".milepost")
    found.lock()
    instance.tell(found.path, 4711, ENVIRONMENT)
    yield found
    if found.lock_fd >= 0:
        os.close(found.lock_fd)


def release(folder: DataFolder) -> None:
    """As the kernel does when its holders are killed."""
    os.close(folder.lock_fd)
    folder.lock_fd = -1


def test_a_command_works_on_what_runs_in_the_folder(folder: DataFolder) -> None:
    for data_dir in (None, ".milepost", str(folder.path)):
        found = operating.settings(data_dir)
        assert found.redis_url == URL
        assert found.database_url == "sqlite+aiosqlite:////data/milepost.db"
        assert (found.namespace, found.partitions) == ("own", 3)


def test_nobody_else_can_read_where_it_is_and_no_secret_is_told(folder: DataFolder) -> None:
    file = folder.path / instance.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "nobody else's" not in file.read_text()


def test_a_variable_that_is_set_wins(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_PARTITIONS", "5")
    assert operating.settings(None).partitions == 5
    monkeypatch.setenv("MILEPOST_REDIS_URL", URL)
    assert operating.settings(None).namespace == "own", "the same Redis: the same Milepost"
    monkeypatch.setenv("MILEPOST_REDIS_URL", "redis://elsewhere/0")
    found = operating.settings(None)
    assert (found.redis_url, found.namespace) == ("redis://elsewhere/0", "mp")


def test_one_that_was_killed_is_said_to_be_in_one_line(folder: DataFolder) -> None:
    release(folder)
    with pytest.raises(ConfigurationError, match=r"no milepost runs in .* \(pid 4711 was killed\)"):
        operating.settings(None)


def test_one_that_stopped_is_said_not_to_run(folder: DataFolder) -> None:
    assert instance.forget(folder.path) == 4711
    with pytest.raises(ConfigurationError, match="is just starting or stopping"):
        operating.settings(None)
    release(folder)
    with pytest.raises(ConfigurationError, match=r"no milepost runs in \S+: start it with"):
        operating.settings(None)


def test_asking_is_in_the_way_of_nobody(folder: DataFolder) -> None:
    release(folder)
    first = (folder.path / "lock").open("rb")
    with first, pytest.raises(ConfigurationError):
        operating.settings(None)
    folder.lock()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "settings": {}}'])
def test_a_file_that_says_nothing_counts_as_none(folder: DataFolder, content: str) -> None:
    (folder.path / instance.FILE).write_text(content)
    with pytest.raises(ConfigurationError, match="is just starting"):
        operating.settings(None)


@pytest.mark.parametrize("data_dir", [None, "empty"])
def test_where_nothing_says_what_to_work_on_no_default_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: str | None
) -> None:
    (tmp_path / "empty").mkdir()
    where = data_dir or ".milepost"
    with pytest.raises(ConfigurationError, match=rf"no milepost runs in {where}, .*--data-dir"):
        operating.settings(data_dir)
    monkeypatch.setenv("MILEPOST_REDIS_URL", URL)
    assert operating.settings(data_dir).redis_url == URL
