"""What scripts call is in the list that a user of Redis can be kept to."""

import re

import pytest

from milepost_cli.checkout import ROOT

PAGE = ROOT / "docs" / "redis-commands.md"
SCRIPTS = [*(ROOT / "libs").rglob("*.lua"), *(ROOT / "services").rglob("*.lua")]
_CALL = re.compile(r"redis\.p?call\(([^,)]+)(?:, '([A-Z]+)')?")
"""The command, or an expression that has one of several; and a second word."""
_NAME = re.compile(r"'([A-Z]+)'")
_CONTAINERS = {"MEMORY", "XGROUP", "XINFO"}


def allowed() -> set[str]:
    rule = re.search(r"^ACL SETUSER milepost (.*)$", PAGE.read_text(), re.M)
    assert rule
    return {word[1:] for word in rule[1].split() if word.startswith("+")}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_calls_nothing_that_the_documented_user_may_not(script: object) -> None:
    text = (ROOT / str(script)).read_text()
    called: set[str] = set()
    for first, second in _CALL.findall(text):
        names = _NAME.findall(first)
        assert names, f"commands are named where they are called: {first}"
        called |= {f"{name}|{second}" if name in _CONTAINERS else name for name in names}
    assert {name.lower() for name in called} <= allowed()


def test_the_documented_user_may_nothing_dangerous() -> None:
    assert not {"keys", "scan", "flushall", "flushdb", "config|set", "config", "acl", "debug",
                "shutdown", "script|flush", "function", "@all"} & allowed()  # fmt: skip
