"""The services that pacts are verified against: one `up` for all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from up_process import ROOT, Up


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """With the sample tasks."""
    folder = tmp_path_factory.mktemp("up")
    Path(folder / "sample_tasks.py").symlink_to(ROOT / "tests" / "sample_tasks.py")
    running = Up(folder, "--port", "0", "--tasks", "sample_tasks", lease_seconds="1").until_ready()
    yield running
    running.close()
