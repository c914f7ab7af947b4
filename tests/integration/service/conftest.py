"""Services in processes of their own, ended by pid."""

import subprocess
from collections.abc import Generator

import pytest

from service_process import Start, start_service


@pytest.fixture
def start() -> Generator[Start]:
    """Start the service; its process and address."""
    processes: list[subprocess.Popen[str]] = []

    def go(trusted: str = "", **settings: object) -> tuple[subprocess.Popen[str], str]:
        process, url = start_service(trusted, **settings)
        processes.append(process)
        return process, url

    yield go
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
