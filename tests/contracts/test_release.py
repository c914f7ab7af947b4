"""What is given out works where there is no checkout: built, installed, started."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from milepost_cli import checkout, versions
from milepost_cli.wheels import build, try_out


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheels_of_all_members_install_and_import(tmp_path: Path):
    built = build(checkout.ROOT, tmp_path)
    version = versions.current(checkout.ROOT)
    assert len(built) == len(versions.files(checkout.ROOT))
    assert {wheel.name.split("-")[1] for wheel in built} == {version}
    sums = dict(re.findall(r"(\S+)  (\S+)", (tmp_path / "SHA256SUMS").read_text()))
    assert set(sums.values()) == {*(wheel.name for wheel in built), "requirements.txt"}
    try_out(built, tmp_path / "requirements.txt", version)
    up_from(built, tmp_path)


def up_from(wheels: list[Path], folder: Path) -> None:
    """Start `up` with nothing of Milepost's but what the wheels have."""
    unpacked = folder / "unpacked"
    for wheel in wheels:
        subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, unpacked], check=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
    with subprocess.Popen(
        [sys.executable, "-m", "milepost_cli", "up", "--port", "0", "--data-dir", folder / "data"],
        env=environment | {"PYTHONPATH": str(unpacked)}, cwd=folder, text=True,
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
    ) as up:  # fmt: skip
        assert up.stdout is not None
        said = ""
        try:
            for line in up.stdout:
                said += line
                if "is ready" in said:
                    up.send_signal(signal.SIGTERM)
                    break
            up.stdout.read()
        except BaseException:
            up.kill()  # the end of the block waits for it, and no second timeout comes
            raise
    assert "is ready" in said
    assert up.returncode == 0
