"""Owns a real Prometheus for tests: own port and folder, ended by pid. Debian's `prometheus`."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from alerting import program
from valkey_server import free_port
from waiting import wait_for


class Prometheus:
    """Scrapes and evaluates once a second."""

    def __init__(self, folder: Path, rules: Path, targets: Mapping[str, tuple[str, str]]) -> None:
        """`targets`: job -> its host and port, and the path of its metrics."""
        jobs = [
            {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [address]}]}
            for job, (address, path) in targets.items()
        ]
        every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        text = {"global": every, "rule_files": [str(rules)], "scrape_configs": jobs}
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(text))
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        self._said = folder / "prometheus.log"
        with self._said.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus"), f"--config.file={folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={folder / 'prometheus'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self._answers, "Prometheus", 30)

    def ask(self, what: str, **parameters: str) -> Any:
        """Its HTTP API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{what}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def firing(self) -> set[str]:
        """The alerts that fire now."""
        return {
            each["labels"]["alertname"]
            for each in self.ask("alerts")["alerts"]
            if each["state"] == "firing"
        }

    def value(self, expression: str) -> float | None:
        """What an expression without labels comes to now; null for nothing."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._said.read_text()
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False
