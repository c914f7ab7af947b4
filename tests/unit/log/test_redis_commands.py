"""What scripts call is in the list that a user of Redis can be kept to, and nothing needless is."""

import re
from pathlib import Path

import pytest

from milepost_cli.checkout import ROOT

PAGE = ROOT / "docs" / "redis-commands.md"
SCRIPTS = [*(ROOT / "libs").rglob("*.lua"), *(ROOT / "services").rglob("*.lua")]
_CALL = re.compile(r"redis\.p?call\(([^,)]+)(?:, '([A-Z]+)')?")
"""The command, or an expression that has one of several; and a second word."""
_NAME = re.compile(r"'([A-Z]+)'")
_CONTAINERS = {"MEMORY", "XGROUP", "XINFO"}
_FROM_CLIENTS = {
    "client|setinfo", "config|get", "eval", "evalsha", "exec", "info", "multi", "ping", "select",
    "subscribe", "xread",
}  # fmt: skip
"""What is sent to the server and called by no script."""


def allowed() -> set[str]:
    rule = re.search(r"^ACL SETUSER milepost (.*)$", PAGE.read_text(), re.M)
    assert rule
    return {word[1:] for word in rule[1].split() if word.startswith("+")}


def called(script: Path) -> set[str]:
    found: set[str] = set()
    for first, second in _CALL.findall(script.read_text()):
        names = _NAME.findall(first)
        assert names, f"commands are named where they are called: {first}"
        found |= {f"{name}|{second}" if name in _CONTAINERS else name for name in names}
    return {name.lower() for name in found}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_calls_nothing_that_the_documented_user_may_not(script: Path) -> None:
    assert called(script) <= allowed()


def test_the_documented_user_may_nothing_that_nobody_sends() -> None:
    assert allowed() == _FROM_CLIENTS.union(*map(called, SCRIPTS))


def test_the_documented_user_may_nothing_dangerous() -> None:
    assert not {"keys", "scan", "flushall", "flushdb", "config|set", "config", "acl", "debug",
                "shutdown", "script|flush", "function", "@all"} & allowed()  # fmt: skip
