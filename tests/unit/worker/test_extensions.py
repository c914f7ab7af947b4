"""What users bring to a worker: named wrongly, it is one line."""

import logging
import sys
from pathlib import Path

import pytest
from dramatiq.middleware import CurrentMessage

from milepost import definitions
from milepost.errors import ConfigurationError
from milepost_worker import extensions
from sample_middleware import Ledger, second


def test_middleware_is_made_in_its_order() -> None:
    names = [
        "sample_middleware:second",
        "sample_middleware:Ledger",
        "dramatiq.middleware:CurrentMessage",
    ]
    found = extensions.middleware(names)
    assert found[0] is second
    assert type(found[1]) is Ledger
    assert isinstance(found[2], CurrentMessage)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sample_middleware", "is not of the form module:Class"),
        ("sample_middleware:", "is not of the form module:Class"),
        ("no_such_module:X", "cannot import 'no_such_module': ModuleNotFoundError"),
        ("sample_middleware:Nothing", "is no dramatiq middleware"),
        ("sample_middleware:os", "is no dramatiq middleware"),
        ("builtins:dict", "is no dramatiq middleware"),
        ("sample_middleware:broken", "cannot make 'sample_middleware:broken': ValueError: no sett"),
        ("dramatiq.middleware:Retries", "dramatiq's own queues"),
        ("dramatiq.middleware:TimeLimit", "is built in"),
        ("dramatiq.middleware.prometheus:Prometheus", "is built in"),
    ],
)
def test_what_is_no_middleware_for_a_worker_is_named(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("dramatiq_prom_db", str(tmp_path))  # a folder that it makes when imported
    with pytest.raises(ConfigurationError, match=said) as refused:
        extensions.middleware([name])
    assert str(refused.value).startswith("MILEPOST_MIDDLEWARE: ")
    assert "\n" not in str(refused.value)


def test_forks_that_nobody_runs_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    extensions.middleware(["sample_middleware:Forks"])
    assert [record.getMessage() for record in caplog.records] == [
        "forks of a middleware are not run"
    ]


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for modules with tasks, and an empty registry."""
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]  # untyped
    monkeypatch.setattr(definitions, "_REGISTRY", {})
    monkeypatch.setattr(extensions, "SHIPPED", ())
    for name in ("with_task", "around", "without"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "with_task.py").write_text(
        "from milepost import task\n@task('own.task')\ndef own() -> None: ...\n"
    )
    (tmp_path / "around.py").write_text("import with_task\n")
    (tmp_path / "without.py").write_text(
        "from milepost import task\ndef forgotten() -> None: ...\n"
    )
    return tmp_path


def test_a_module_without_a_task_is_warned_of(
    modules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extensions.import_tasks("without")
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "@task" in warning.getMessage()
    assert vars(warning)["module_name"] == "without"


@pytest.mark.parametrize("names", ["with_task", "around", "around, with_task", ""])
def test_a_module_with_tasks_is_not(
    modules: Path, caplog: pytest.LogCaptureFixture, names: str
) -> None:
    extensions.import_tasks(names)
    assert caplog.records == []
