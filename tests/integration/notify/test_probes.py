"""What real processes answer to those who watch them: ready, live, and how far behind."""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Generator
from typing import Any

import pytest

from histories import created
from milepost.settings import Settings
from notify_processes import Deployment
from notify_surroundings import Scribe, task_id
from waiting import wait_for


@pytest.fixture
def deployed(settings: Settings) -> Generator[Deployment]:
    deployment = Deployment(settings)
    deployment.start()
    yield deployment
    deployment.calm()
    deployment.stop()


def asked(port: int, path: str) -> tuple[int, Any]:
    """Status and answer; 0 when none comes."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=3) as answer:
            text: str = answer.read().decode()
            return answer.status, text if path.endswith("metrics") else json.loads(text)
    except urllib.error.HTTPError as err:
        return err.code, json.loads(err.read())
    except OSError:
        return 0, None


def figure(port: int, path: str, name: str) -> float:
    """The sum of a metric's samples; -1 where there are none."""
    status, text = asked(port, path)
    lines: list[str] = text.splitlines() if status == 200 else []
    found = [float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == name]
    return sum(found) if found else -1.0


async def test_a_projector_is_ready_when_it_projects_and_a_frozen_one_answers_no_probe(
    deployed: Deployment, log: Scribe
):
    port, api = deployed.probe_port, deployed.ports[0]
    wait_for(lambda: asked(port, "/readyz")[0] == 200, "the projector is ready", 40)
    assert set(asked(port, "/readyz")[1]["checks"]) == {"redis", "database", "schema", "projector"}
    assert asked(port, "/livez") == (200, {"status": "ok"})
    wait_for(lambda: asked(api, "/api/notify/readyz")[0] == 200, "the API is ready", 40)
    lag = "milepost_projector_lag_seconds"
    wait_for(lambda: figure(api, "/api/notify/metrics", lag) == 0, "nothing waits", 40)
    assert figure(port, "/metrics", "milepost_partition_up") == deployed.settings.partitions

    deployed.projectors[0].send(signal.SIGSTOP)
    await log.tell(created(), task_id())
    wait_for(lambda: figure(api, "/api/notify/metrics", lag) > 1, "the next event waits", 40)
    assert asked(port, "/livez")[0] == 0, "stuck is not live"
    wait_for(lambda: asked(api, "/api/notify/readyz")[0] == 503, "nobody projects", 40)
    assert asked(api, "/api/notify/livez")[0] == 200
    deployed.projectors[0].send(signal.SIGCONT)
    wait_for(lambda: figure(api, "/api/notify/metrics", lag) == 0, "it catches up", 40)
    counted = "milepost_events_projected_total"
    wait_for(lambda: figure(port, "/metrics", counted) >= 1, "it counts what it projects", 40)
