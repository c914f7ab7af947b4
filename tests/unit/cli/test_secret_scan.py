"""The repository is looked through for secrets: what one planted in it looks like."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from milepost.tokens import mint
from milepost_cli import secret_scan

PLANTED: dict[str, Callable[[], str]] = {
    "private key": lambda: "-----BEGIN {} KEY-----".format("RSA PRIVATE"),
    "cloud key": lambda: f'key = "AKIA{"IOSFODNN7EXAMPL" + "Q"}"',
    "token": lambda: f'sent("{mint("bob", "x" * 40, now=1.7e9)}")',
    "random": lambda: f'key = "{base64.b64encode(bytes(range(90, 250, 4))).decode()}"',
    "address": lambda: "redis://user:{}@example.org/0".format("Kq8vTz31"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_fails_the_check_with_a_remedy(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.py").write_text(f"{PLANTED[kind]()}\n")
    assert secret_scan.run([str(tmp_path / "settings.py")]) == 1
    assert "remedy: " in capsys.readouterr().out


def test_what_is_none_passes(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text('title = "nothing to see here"\n')
    assert secret_scan.run([str(tmp_path / "settings.py")]) == 0
