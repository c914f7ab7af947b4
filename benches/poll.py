"""Poll: what one notify process answers to idle polls, and one submit process to POST /tasks.

Beside FastAPI on uvicorn with the same loop and parser: a bare GET, and a POST with validation and
one XADD. The server has a core, the load has the other; 32 connections, one owner each.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benches.stage import versions
from benches.stage.cores import available
from benches.stage.http_client import Connection, answers, bearer, request
from benches.stage.http_load import requests_a_second
from benches.stage.milepost import PROGRAMS, Milepost, Submitter, new_task
from benches.stage.processes import Processes, until
from benches.stage.sizes import chosen
from benches.stage.store import Durability, Store, fresh_store
from benches.stage.table import Row, at_least, show
from milepost import keys
from milepost.task_types import TaskType
from milepost_cli.valkey import free_port

OWNERS = [f"owner {number}" for number in range(32)]
PATH = "/api/notify/notifications"
SCHEMA = {
    "type": "object",
    "properties": {"to": {"type": "string", "maxLength": 100}, "count": {"type": "integer"}},
    "required": ["to"],
    "additionalProperties": False,
}
BODY = b'{"type":"bench.post","params":{"to":"somebody","count":3}}'
SHORT_SECONDS, SECONDS = 0.8, 3.0


@dataclass
class Bench:
    """Servers on one store, and how much they answered."""

    store: Store
    processes: Processes
    seconds: float
    figures: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def measure(self, name: str, port: int, requests: Sequence[bytes]) -> None:
        """Add the rate of one server."""
        cores = {max(available())}
        rate = requests_a_second(
            self.processes, self.store.folder, port, requests, seconds=self.seconds, cores=cores
        )
        self.figures.setdefault(name, []).append(rate)

    def peer(self) -> int:
        """FastAPI alone; its port."""
        port, core = free_port(), {min(available())}
        command = [sys.executable, "-m", "uvicorn", "peer_api:app", "--port", str(port),
                   "--no-access-log", "--log-level", "warning", "--loop", "uvloop",
                   "--http", "httptools"]  # fmt: skip
        environment = {"MILEPOST_REDIS_URL": self.store.url, "PYTHONPATH": str(PROGRAMS)}
        self.processes.start(command, environment, cores=core)
        answers(port, "/bare")
        return port


def main() -> None:
    """Run all rounds and print medians with their range."""
    seconds, rounds = chosen(SHORT_SECONDS, SECONDS)
    figures = dict[str, list[float]]()
    with fresh_store() as store, Processes() as processes:
        version = store.version()
        polls(Bench(store, processes, seconds, figures), rounds)
    settings: dict[str, Durability] = {"everysec": "memory", "fsync": "fsync"}
    if seconds == SHORT_SECONDS:
        del settings["everysec"]
    for name, durability in settings.items():
        with fresh_store(durability) as store, Processes() as processes:
            posts(Bench(store, processes, seconds, figures), rounds, name)
    rows = [
        Row("GET /s: Milepost, idle poll", figures["poll"], figures["bare"], at_least(0.6)),
        Row("GET /s: FastAPI, bare", figures["bare"]),
    ]
    for name in settings:
        ours, peer = figures[f"post {name}"], figures[f"xadd {name}"]
        rows.append(Row(f"POST /s: Milepost, POST /tasks, {name}", ours, peer, at_least(0.7)))
        rows.append(Row(f"POST /s: FastAPI, validation + one XADD, {name}", peer))
    show(
        rows, version, *versions.packages("fastapi", "starlette", "uvicorn", "uvloop", "httptools")
    )


def polls(bench: Bench, rounds: int) -> None:
    """Idle polls: everybody has a task, and the newest cursor."""
    milepost = Milepost(bench.store, bench.processes)
    milepost.migrate()
    port = free_port()
    milepost.start("projector")
    milepost.start("notify", "--port", str(port), cores={min(available())})
    answers(port, "/api/notify/livez")
    requests = asyncio.run(newest(milepost, port))
    peer = bench.peer()
    for _ in range(rounds):
        bench.measure("poll", port, requests)
        bench.measure("bare", peer, [request("GET", "/bare")] * len(OWNERS))


async def newest(milepost: Milepost, port: int) -> list[bytes]:
    """The poll of each owner that has seen everything."""
    async with Submitter(milepost.store) as submitter:
        for owner in OWNERS:
            await submitter.create(owner, [new_task()])
    until(lambda: milepost.projected() >= len(OWNERS), "the projector", 20)
    async with Connection(port) as connection:
        pages = [await connection.get(PATH, bearer(owner)) for owner in OWNERS]
    return [
        request("GET", f"{PATH}?since={page['cursor']}", bearer(owner))
        for owner, page in zip(OWNERS, pages, strict=True)
    ]


def posts(bench: Bench, rounds: int, name: str) -> None:
    """Submitted tasks, which nobody works off."""
    milepost = Milepost(bench.store, bench.processes, max_live_tasks=str(10**9))
    milepost.migrate()
    offer = TaskType(
        name="bench.post", title="T", public=True, params_schema=SCHEMA, announced_at=time.time()
    )
    bench.store.client.hset(keys.catalogue("mp"), offer.name, offer.model_dump_json())
    port = free_port()
    milepost.start("submit", "--port", str(port), cores={min(available())})
    answers(port, "/api/submit/livez")
    peer = bench.peer()
    ours = [request("POST", "/api/submit/tasks", bearer(owner), BODY) for owner in OWNERS]
    for _ in range(rounds):
        bench.measure(f"post {name}", port, ours)
        bench.measure(f"xadd {name}", peer, [request("POST", "/tasks", "", BODY)] * len(OWNERS))


if __name__ == "__main__":
    main()
