"""The examples of docs/testing.md are true: each is a module, and its tests pass."""

import re
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from milepost import definitions
from milepost_cli.checkout import ROOT

PAGE = ROOT / "docs" / "testing.md"


def blocks() -> dict[str, str]:
    """The Python examples of the page by the file name in their first line."""
    found: list[str] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return {code.partition("\n")[0].removeprefix("# "): code for code in found}


def module(name: str) -> ModuleType:
    made = ModuleType(name)
    exec(compile(blocks()[f"{name}.py"], f"{name}.py", "exec"), made.__dict__)
    return made


@pytest.mark.parametrize("name", [file[:-3] for file in blocks() if file.startswith("test_")])
def test_the_examples_pass(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(definitions, "_REGISTRY", {})
    monkeypatch.setitem(sys.modules, "my_tasks", module("my_tasks"))
    tests: list[Callable[[], None]] = [
        value for key, value in vars(module(name)).items() if key.startswith("test_")
    ]
    assert tests
    for test in tests:
        test()
