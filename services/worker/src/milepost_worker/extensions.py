"""Owns what users bring to a worker: modules with tasks, dramatiq middleware. Runs none of it."""

import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Any

from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    GroupCallbacks,
    Middleware,
    Pipelines,
    Retries,
    TimeLimit,
)
from dramatiq.results import Results

from milepost.definitions import definitions
from milepost.errors import ConfigurationError

logger = logging.getLogger(__name__)

SHIPPED = tuple(f"milepost_worker.tasks.{name}" for name in ("mail", "demo", "export", "bulk"))
ENQUEUING = (AgeLimit, Callbacks, GroupCallbacks, Pipelines, Results, Retries)
"""They drop, enqueue or answer messages past the log."""
PROMETHEUS = "dramatiq.middleware.prometheus"  # makes a folder when it is imported


def import_tasks(names: str) -> None:
    """Import the modules that define tasks; the current folder counts as their home.

    Args:
        names: MILEPOST_TASKS: modules, by comma. One that defines no task is warned of.

    Raises:
        ConfigurationError: a module cannot be imported, or defines something that is no task.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")
    for name in SHIPPED:
        _import(name, "MILEPOST_TASKS")
    for name in _listed(names):
        before = len(definitions())
        _import(name, "MILEPOST_TASKS")
        if len(definitions()) == before and not _defines(name):
            logger.warning(
                "a module of MILEPOST_TASKS defines no task: put @task (from milepost import task) "
                "before a function",
                extra={"module_name": name},
            )


def middleware(names: Sequence[str]) -> list[Middleware]:
    """The dramatiq middleware that MILEPOST_MIDDLEWARE names, in its order.

    Args:
        names: `module:name` each; a class, or whatever gives one when it is called without
            arguments, or a middleware itself.

    Raises:
        ConfigurationError: one cannot be had, or is not for a worker whose tasks are in a log.
    """
    return [_middleware(name) for name in names]


def _middleware(name: str) -> Middleware:
    module, colon, attribute = name.partition(":")
    if not colon or not attribute:
        raise ConfigurationError(f"MILEPOST_MIDDLEWARE: {name!r} is not of the form module:Class")
    found = getattr(_import(module, "MILEPOST_MIDDLEWARE"), attribute, None)
    if not isinstance(found, Middleware) and callable(found):
        try:
            found = found()
        except Exception as err:
            raise _unusable("MILEPOST_MIDDLEWARE", f"make {name!r}", err) from err
    if not isinstance(found, Middleware):
        raise ConfigurationError(f"MILEPOST_MIDDLEWARE: {name!r} is no dramatiq middleware")
    if isinstance(found, ENQUEUING):
        raise ConfigurationError(
            f"MILEPOST_MIDDLEWARE: {name!r} works on dramatiq's own queues, which are not used here"
        )
    if isinstance(found, TimeLimit) or type(found).__module__ == PROMETHEUS:
        raise ConfigurationError(f"MILEPOST_MIDDLEWARE: {name!r} is built in")
    if found.forks:
        logger.warning("forks of a middleware are not run", extra={"middleware": name})
    return found


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _defines(module: str) -> bool:
    """Whether the module has tasks, though something else has imported it before."""
    homes = {definition.function.__module__ for definition in definitions().values()}
    return any(home == module or home.startswith(f"{module}.") for home in homes)


def _import(name: str, setting: str) -> Any:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as err:
        raise _unusable(setting, f"import {name!r}", err) from err


def _unusable(setting: str, what: str, err: BaseException) -> ConfigurationError:
    reason = " ".join(str(err).split())[:300]
    return ConfigurationError(f"{setting}: cannot {what}: {type(err).__name__}: {reason}")
