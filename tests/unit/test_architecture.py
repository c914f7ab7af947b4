"""The architecture is what the folders say: pure modules import only what is on this list.

import-linter forbids by name what must not be imported; here everything not allowed is forbidden,
so that a new I/O library cannot slip into a module that decides.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PURE = {
    "libs/common/src/milepost": [
        "bulk", "callers", "codec", "conversations", "cursors", "endings", "errors", "events",
        "exchanges",
        "ids", "keys", "origins",
        "owners", "problems", "progress", "records", "retries", "task_state", "task_types",
        "traces", "whole",
    ],
    "libs/common/src/milepost/testing": [
        "attempt", "finished_run", "journal", "kept_task", "memory_log", "observed", "plan",
        "ready_tasks",
    ],
    "libs/log/src/milepost_log": ["attempts", "cluster_url", "paused", "slots"],
    "services/submit/src/milepost_submit": [
        "account_requests", "batches", "common_passwords", "decisions", "limits", "params",
        "refusals", "requests", "usernames",
    ],
    "services/worker/src/milepost_worker": ["jobs", "leases", "outcomes", "vitals"],
    "libs/cli/src/milepost_cli/storm": [
        "judged_followers", "judged_tasks", "judgement", "records", "verdict",
    ],
    "services/notify/src/milepost_notify": [
        "archive", "cache", "changes", "checkpoints", "comparison", "created", "explain", "folding",
        "ends", "histograms", "intake", "load", "lookout", "lost_log", "lost_tail", "measures",
        "oversight", "present", "projection",
        "rates", "refolding", "replaying", "replicas", "retention", "rows", "standing", "thinning",
        "wakeups",
    ],
}  # fmt: skip
"""Modules that decide: no clock, no chance, no I/O."""

HARMLESS = {
    "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime",
    "decimal", "enum", "functools", "hashlib", "itertools", "json", "math", "operator", "re",
    "string", "struct", "traceback", "types", "typing", "unicodedata",
    "pydantic", "pydantic_core",
}  # fmt: skip
"""What reads nothing from the world."""

ALSO = {
    "milepost_log.cluster_url": {"urllib.parse"},
    # The frozen values a started task is made of, and the lock between its two threads.
    "milepost_worker.jobs": {"milepost_log.attempts", "threading"},
    "milepost_worker.outcomes": {"milepost_log.attempts"},
    "milepost_notify.intake": {"milepost_log.reader"},  # the frozen value Entry
    "milepost_notify.lost_tail": {"milepost_log.reader"},
    "milepost_submit.params": {"jsonschema_rs"},  # compiles and checks, reads nothing
    "milepost_submit.common_passwords": {"zxcvbn.frequency_lists"},  # a list of words
    "milepost_submit.usernames": {"disarm"},  # folds text
    "milepost_submit.batches": {"milepost_log.commands"},  # the frozen value NewTask
    "milepost_submit.decisions": {"milepost_log.commands"},
    # A pydantic base class, and words.
    "milepost_submit.requests": {"milepost_service.described", "milepost_service.strict_model"},
    "milepost_submit.account_requests": {
        "milepost_service.described",
        "milepost_service.strict_model",
    },
}

NAMES_THAT_OWN_NOTHING = {"utils", "util", "helpers", "helper", "misc", "base", "common", "manager"}


def pure_modules() -> list[tuple[Path, str]]:
    return [
        (ROOT / folder / f"{name}.py", f"{package(folder)}.{name}")
        for folder, names in PURE.items()
        for name in names
    ]


def package(folder: str) -> str:
    """The import name of a folder of modules."""
    return folder.partition("/src/")[2].replace("/", ".")


def imports(path: Path) -> set[str]:
    """Every module a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            found.add(node.module)
            if node.module in {package(folder) for folder in PURE}:
                found.remove(node.module)
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(("path", "module"), pure_modules())
def test_a_pure_module_imports_nothing_that_is_not_allowed(path: Path, module: str):
    pure = {name for _, name in pure_modules()}
    stray = {
        name
        for name in imports(path)
        if name.partition(".")[0] not in HARMLESS
        and name not in pure
        and name not in ALSO.get(module, set())
    }
    assert stray == set(), f"{module} imports {sorted(stray)}"


def test_every_module_is_named_after_what_it_owns():
    for path in ROOT.glob("*/*/src/**/*.py"):
        assert path.stem not in NAMES_THAT_OWN_NOTHING, path


def test_every_module_says_what_it_owns():
    for path in ROOT.glob("*/*/src/**/*.py"):
        if "migrations" not in path.parts:
            assert ast.get_docstring(ast.parse(path.read_text())), path


def test_only_owned_says_whose_things_a_request_is_about():
    """One place in each service: an endpoint that names an owner itself may name the wrong one."""
    naming = {
        str(path.relative_to(ROOT / "services"))
        for path in ROOT.glob("services/*/src/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and {"acting_owner", "overseen_owner", "may_see"} & {alias.name for alias in node.names}
    }
    assert naming == {
        "notify/src/milepost_notify/owned.py",
        "submit/src/milepost_submit/owned.py",
        "submit/src/milepost_submit/routers/access_tokens.py",  # of those, nothing of tasks
        "submit/src/milepost_submit/routers/sessions.py",
    }
