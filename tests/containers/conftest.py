"""The engine, the images and the stack that these tests share; what happens where there is none.

MILEPOST_ENGINE says how much they are wanted. Unset: they are left out. `wanted`: they run where an
engine can be had; where none can, that is said loudly, and the rest goes on. `required`: without
one they fail.
"""

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import container_images as images
from compose_stack import Stack
from container_engine import Engine, NoEngineError
from person import Person
from waiting import wait_for

HERE = Path(__file__).parent
MODE = os.environ.get("MILEPOST_ENGINE", "")
ENGINE = pytest.StashKey[Engine]()
LEFT = pytest.StashKey[list[str]]()
WHY_NOT = pytest.StashKey[str]()
RUNNING = pytest.StashKey[Stack]()


@dataclass(frozen=True)
class First:
    """What a new stack did first."""

    task: dict[str, Any]
    """A mail, as its sender saw it in the end."""
    complaints: list[str]
    """Of all logs until then."""
    firing: list[dict[str, str]]
    """Labels of the alerts that fired."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have an engine before the first test, or none of these tests."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    if not ours or config.option.collectonly:
        return
    items.sort(key=lambda item: item.path == HERE / "test_cluster.py")  # see `cluster`
    try:
        config.stash[ENGINE] = engine = _wanted()
        images.make_base(engine)
    except NoEngineError as err:
        config.stash[WHY_NOT] = str(err)
        if MODE == "required":
            return  # the fixture says it, test by test
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


def _wanted() -> Engine:
    if MODE not in ("wanted", "required"):
        raise NoEngineError("MILEPOST_ENGINE is neither `wanted` nor `required`")
    return Engine()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say loudly what was not tested."""
    if left := config.stash.get(LEFT, None):
        terminalreporter.section("THE ENGINE LEFT BEHIND", "!", red=True, bold=True)
        terminalreporter.line("\n".join(left))
    if why := config.stash.get(WHY_NOT, ""):
        mark = {"red": True, "bold": True} if MODE else {}
        terminalreporter.section("CONTAINERS WERE NOT TESTED", "!", **mark)
        terminalreporter.line(why)
        terminalreporter.line("MILEPOST_ENGINE=required ./milepost test tests/containers, as root")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the engine; to have run none of them is a failure only where they are required."""
    engine = session.config.stash.get(ENGINE, None)
    if engine is not None and (left := engine.stop()):
        session.config.stash[LEFT] = left  # raising here would hide the summary of all tests
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    nothing = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if nothing and session.config.stash.get(WHY_NOT, ""):
        session.exitstatus = pytest.ExitCode.OK


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine:
    """An engine with all images."""
    if why := pytestconfig.stash.get(WHY_NOT, ""):
        pytest.fail(f"no engine, and MILEPOST_ENGINE=required: {why}")
    engine = pytestconfig.stash[ENGINE]
    images.build(engine)
    return engine


def started(stack: Stack) -> Generator[Stack]:
    """Start it by the two commands, and leave nothing behind."""
    try:
        stack.init()
        stack.up()
        yield stack
    finally:
        left = stack.down()
    assert left == []


@pytest.fixture(scope="session")
def fresh_stack(
    engine: Engine, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Stack]:
    """All of it, by the two commands, from nothing; `from_nothing` has what it then did first."""
    stack = Stack(
        engine, tmp_path_factory.mktemp("compose") / "project",
        COMPOSE_PROFILES="observe", MILEPOST_OTLP_ENDPOINT="http://otel-collector:4318",
    )  # fmt: skip
    pytestconfig.stash[RUNNING] = stack
    yield from started(stack)


@pytest.fixture(scope="session")
def from_nothing(fresh_stack: Stack) -> First:
    """The first mail, and what was said until its end."""
    person = Person.signed_up(fresh_stack.url)
    task = person.submit("mail.send", to=["ann@x.test"], subject="from nothing", body="b")
    person.follow_to_end(task, seconds=120)
    wait_for(fresh_stack.has_judged, "Prometheus has judged by every rule", 120)
    alerts = fresh_stack.prometheus("alerts")["alerts"]
    firing = [each["labels"] for each in alerts if each["state"] == "firing"]
    return First(person.tasks[task], fresh_stack.complaints(), firing)


@pytest.fixture
def stack(fresh_stack: Stack, from_nothing: object) -> Stack:
    """The running stack, with all of it well, whatever the test before has done to it."""
    fresh_stack.wait_until_well()
    return fresh_stack


@pytest.fixture(scope="session")
def cluster(
    engine: Engine, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Stack]:
    """The same with the log on three nodes. Its tests come last, and end the other stack."""
    if before := pytestconfig.stash.get(RUNNING, None):
        before.down()
    env_files = (".env", "deploy/compose/cluster.env")
    yield from started(
        Stack(engine, tmp_path_factory.mktemp("cluster") / "project", env_files=env_files)
    )
