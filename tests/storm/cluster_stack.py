"""A whole deployment for tests: a cluster, PostgreSQL, and every part several times, by pid."""

import asyncio
import itertools
import os
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx

from databases import migrate
from front_proxy import FrontProxy
from milepost_cli.storm.blows import Blow
from milepost_cli.storm.processes import freezes
from milepost_cli.storm.records import Rebuilt
from milepost_cli.storm.tasks import NAME
from notify_processes import Process
from postgres_server import Postgres
from valkey_cluster import ValkeyCluster, facts, tell
from valkey_server import Valkey, free_port

LEASE_SECONDS = 2
PARTITIONS = 8
DOWN_SECONDS = (0.2, 2.0)
READY_SECONDS = 90.0
REBUILD_SECONDS = 200.0


class ClusterStack:
    """2 submits, 3 workers, 2 notify APIs and 2 projectors on one log and one database."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.secret = secrets.token_hex(32)
        self._postgres = postgres
        # The first primary has a replica that may take its place; the others come back themselves.
        self._cluster = ValkeyCluster(folder, appendfsync="always", replicas=1)
        self._ports = [free_port() for _ in range(4)]
        submits, apis = self._ports[:2], self._ports[2:]
        self.proxy = FrontProxy({"/api/submit": submits, "/": apis}, random.Random(0))
        self._commands: dict[str, list[tuple[str, ...]]] = {
            "submit": [("submit", "--port", str(port)) for port in submits],
            "notify": [("notify", "--port", str(port)) for port in apis],
            "projector": [("projector",)] * 2,
            "worker": [("worker",)] * 3,
        }
        self.parts: dict[str, list[Process]] = {}
        self._environment: dict[str, str] = {}

    async def start(self, database_url: str) -> None:
        """Start everything and wait until it is ready; the proxy listens already."""
        await asyncio.to_thread(self._cluster.start)
        await asyncio.to_thread(migrate, database_url)
        own = {
            "REDIS_URL": self._cluster.url, "DATABASE_URL": database_url, "SECRET": self.secret,
            "PARTITIONS": PARTITIONS, "LEASE_SECONDS": LEASE_SECONDS, "DURABILITY": "fsync",
            "SUBMIT_URL": self.proxy.url, "NOTIFY_URL": self.proxy.url,
            "TASKS": "milepost_cli.storm.tasks", "TRUSTED_PROXIES": "127.0.0.1",
        }  # fmt: skip
        clean = {name: value for name, value in os.environ.items() if "MILEPOST" not in name}
        self._environment = clean | {f"MILEPOST_{name}": str(value) for name, value in own.items()}
        for part, commands in self._commands.items():
            self.parts[part] = [Process(command, self._environment) for command in commands]
        for each in self._processes:
            each.start()

    async def until_ready(self, headers: dict[str, str]) -> None:
        """Wait until both services are ready and the workers have said what they do."""
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as http:
            for _ in itertools.count():
                if await self._is_ready(http, headers):
                    return
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End everything."""
        for each in self._processes:
            each.kill()
        self._cluster.stop()

    def rebuilt(self) -> Rebuilt:
        """Make the read models anew beside those served, and compare."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "milepost_cli", "rebuild", "--dry-run"],
            env=self._environment, text=True, capture_output=True, check=False,
            timeout=REBUILD_SECONDS,
        )  # fmt: skip
        said = " ".join(f"{done.stdout} {done.stderr}".split())
        return Rebuilt("" if done.returncode == 0 else said)

    def blows(self) -> list[Blow]:
        """All that may be done to it and that may not break a promise."""
        longer = (3.0 * LEASE_SECONDS, 4.0 * LEASE_SECONDS)
        return [
            *(Blow(f"kill {part}", self._kills(all_of)) for part, all_of in self.parts.items()),
            freezes("worker", self._pids("worker"), longer),
            freezes("projector", self._pids("projector")),
            freezes("notify", self._pids("notify")),
            Blow("fail a node over", self._fail_over),
            Blow("kill a node", self._kill_node),
            Blow("crash PostgreSQL", self._crash_postgres),
            Blow("lose announcements", self._lose_announcements),
        ]

    @property
    def _processes(self) -> list[Process]:
        return [each for all_of in self.parts.values() for each in all_of]

    async def _is_ready(self, http: httpx.AsyncClient, headers: dict[str, str]) -> bool:
        try:
            for part in ("submit", "notify"):
                answer = await http.get(f"{self.proxy.url}/api/{part}/readyz")
                if answer.status_code != 200:
                    return False
            types = await http.get(f"{self.proxy.url}/api/submit/task-types", headers=headers)
        except httpx.TransportError:
            return False
        return types.status_code == 200 and NAME in types.text

    def _pids(self, part: str) -> Callable[[], Sequence[int]]:
        def find() -> Sequence[int]:
            running = [each.running for each in self.parts[part]]
            return [each.pid for each in running if each is not None and each.poll() is None]

        return find

    def _kills(self, processes: Sequence[Process]) -> Callable[[random.Random], Awaitable[bool]]:
        async def deal(dice: random.Random) -> bool:
            victim = dice.choice(processes)
            await asyncio.to_thread(victim.kill)
            victim.start()
            return True

        return deal

    async def _fail_over(self, _: random.Random) -> bool:
        """Have the replica of the first primary take its place, in order: nothing is lost."""
        return await asyncio.to_thread(self._swap, self._cluster.nodes[0], self._cluster.nodes[-1])

    @staticmethod
    def _swap(one: Valkey, other: Valkey) -> bool:
        replica = one if facts(one, "replication")["role"] == "slave" else other
        tell(replica, "CLUSTER", "FAILOVER")
        ValkeyCluster.until(lambda: facts(replica, "replication")["role"] == "master")
        primary = other if replica is one else one
        ValkeyCluster.until(lambda: facts(primary, "replication").get("master_link_status") == "up")
        return True

    async def _kill_node(self, dice: random.Random) -> bool:
        """Kill a primary that nobody replaces; it comes back with all that it has confirmed."""
        node = dice.choice(self._cluster.nodes[1:3])
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(dice.uniform(*DOWN_SECONDS))
        await asyncio.to_thread(node.start)
        return True

    async def _lose_announcements(self, dice: random.Random) -> bool:
        """Cut subscriptions, so that what is announced meanwhile is lost; and tell nonsense."""

        def lose() -> None:
            lost = '{"log":"%s","era":0,"from":"1-1","to":"2-2","owners":[]}' % ("0" * 32)
            for node in self._cluster.nodes:
                tell(node, "CLIENT", "KILL", "TYPE", "pubsub")
            tell(self._cluster.nodes[1], "PUBLISH", f"mp:wake:{dice.randrange(PARTITIONS)}", lost)

        await asyncio.to_thread(lose)
        return True

    async def _crash_postgres(self, dice: random.Random) -> bool:
        await asyncio.to_thread(self._postgres.end, signal.SIGQUIT)
        await asyncio.sleep(dice.uniform(*DOWN_SECONDS))
        await asyncio.to_thread(self._postgres.start)
        return True
