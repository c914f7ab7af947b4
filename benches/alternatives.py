"""Alternatives: what we use beside what else there is, in its place: the encoding of events, the
check of params against a JSON Schema, and the HTTP server.

The libraries in turn in one process. The servers have a core, the load has the other; 32
connections, as in `poll`: our idle poll and a bare FastAPI, each on uvicorn and on granian.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from benches.poll import OWNERS, Bench, newest
from benches.stage.cores import available
from benches.stage.http_client import answers, request
from benches.stage.milepost import PROGRAMS, Milepost
from benches.stage.peers import ROOT, Peers
from benches.stage.processes import Processes, import_path
from benches.stage.sizes import chosen
from benches.stage.store import fresh_store
from benches.stage.table import Row, show
from milepost_cli.valkey import free_port

STEPS = ROOT / "benches" / "peers" / "alternatives.py"
DATA = {"progressed": "an event of progress", "created": "an event of a new task"}
OTHERS = {"msgspec": "msgspec, a struct", "orjson": "orjson, unchecked"}


def main() -> None:
    """Run all rounds and print medians with their range."""
    (count, seconds), rounds = chosen((2_000, 0.8), (200_000, 3.0))
    peers, found = Peers("alternatives"), dict[str, list[float]]()
    environment = {"PYTHONPATH": import_path(PROGRAMS) + os.pathsep + str(peers.packages)}
    libraries = [sys.executable, str(STEPS), str(count)]
    with fresh_store() as store, Processes() as processes:
        for _ in range(rounds):
            for name, micros in json.loads(processes.output(libraries, environment)).items():
                found.setdefault(name, []).append(micros)
        servers(Bench(store, processes, seconds, found), environment, rounds)
        version = store.version()
    ours = [f"{name} {metadata.version(name)}" for name in ("pydantic", "jsonschema-rs", "uvicorn")]
    others = peers.versions("msgspec", "orjson", "fastjsonschema", "jsonschema", "granian")
    show([*told(found)], version, *ours, *others)


def servers(bench: Bench, environment: dict[str, str], rounds: int) -> None:
    """Requests a second of the two applications on both servers."""
    milepost = Milepost(bench.store, bench.processes)
    milepost.migrate()
    milepost.start("projector")
    ours, bare, core = free_port(), bench.peer(), {min(available())}
    milepost.start("notify", "--port", str(ours), cores=core)
    answers(ours, "/api/notify/livez")
    polls = asyncio.run(newest(milepost, ours))
    gets = [request("GET", "/bare")] * len(OWNERS)
    ports = {
        "poll uvicorn": (ours, polls),
        "bare uvicorn": (bare, gets),
    }
    for name, app, path, requests in (
        ("poll granian", "notify_api:app", "/api/notify/livez", polls),
        ("bare granian", "peer_api:app", "/bare", gets),
    ):
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop",
                   "--http", "1", "--no-ws", "--log-level", "error", "--port", str(port),
                   app]  # fmt: skip
        bench.processes.start(command, milepost.environment | environment, cores=core)
        answers(port, path)
        ports[name] = port, requests
    for _ in range(rounds):
        for name, (port, requests) in ports.items():
            bench.measure(name, port, requests)


def told(found: dict[str, list[float]]) -> Sequence[Row]:
    """The rows, ours first."""
    rows = [Row("an entry of the log read whole, as Milepost does: us", found["entry"])]
    for verb in ("read", "written"):
        for data, what in DATA.items():
            ours = found[f"{data} {verb} pydantic"]
            rows.append(Row(f"{what} {verb}, us: Milepost, pydantic", ours))
            for other, name in OTHERS.items():
                rows.append(
                    Row(f"{what} {verb}, us: {name}", found[f"{data} {verb} {other}"], ours)
                )
    ours = found["checked jsonschema-rs"]
    rows.append(Row("params checked, us: Milepost, jsonschema-rs", ours))
    for other in ("fastjsonschema", "jsonschema"):
        rows.append(Row(f"params checked, us: {other}", found[f"checked {other}"], ours))
    for what, name in (("idle poll", "poll"), ("FastAPI, bare", "bare")):
        ours = found[f"{name} uvicorn"]
        rows.append(Row(f"{what}, /s: uvicorn", ours))
        rows.append(Row(f"{what}, /s: granian", found[f"{name} granian"], ours))
    return rows


if __name__ == "__main__":
    main()
