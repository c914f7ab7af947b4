"""Owns what a Redis can promise Milepost, in words, and what to do about what it cannot. Pure."""

from collections.abc import Iterator

from milepost_cli.doctor.finding import Finding
from milepost_cli.doctor.needed_commands import OPTIONAL
from milepost_cli.doctor.target_facts import RedisTarget
from milepost_cli.doctor.way_to_store import of_distance
from milepost_log.server_checks import Durability, fault_of

OLDEST = (7, 2)
NAMED = 8
"""So many refused commands by name."""


def of_redis(target: RedisTarget, durability: Durability) -> Iterator[Finding]:
    """What one primary can promise."""
    at = f" {target.name}" if target.name else ""
    yield _version(f"redis version{at}", target)
    if target.role in ("slave", "replica"):
        says = "it is a replica: it accepts nothing"
        yield Finding(f"redis role{at}", "fail", says, "name its primary")
    if target.server.cluster_enabled and not target.of_cluster:
        says = "it is a node of a cluster: it has a part of the keys"
        yield Finding(f"redis cluster{at}", "fail", says, "begin the URL with redis+cluster://")
    yield _durability(f"redis durability{at}", target, durability)
    yield _eviction(f"redis eviction{at}", target)
    yield _memory(f"redis memory{at}", target)
    yield _failover(f"redis failover{at}", target)
    yield _rights(f"redis rights{at}", target)
    yield of_distance(f"redis distance{at}", target.answer_ms)


def _version(check: str, target: RedisTarget) -> Finding:
    if target.version is None:
        says = "it does not say which version it is"
        return Finding(check, "warn", says, "7.2 or newer is needed, Redis or Valkey: look it up")
    kind, version = target.version
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        return Finding(check, "fail", f"{kind} {version}", "7.2 or newer is needed")
    return Finding(check, "ok", f"{kind} {version}")


def _durability(check: str, target: RedisTarget, durability: Durability) -> Finding:
    server = target.server
    appends, fsync = server.aof_enabled, server.appendfsync
    if appends and fsync == "always":
        return Finding(
            check, "ok", "what it has answered it keeps when it is killed: no task is lost"
        )
    if appends and fsync is None:
        says = "it appends to a file; whether before it answers it does not tell"
        return Finding(check, "warn", says, "see at its provider that appendfsync is always")
    if appends is None:
        says = "it does not tell whether it keeps anything"
        return Finding(
            check, "warn", says, "see at its provider: appendonly yes, appendfsync always"
        )
    if appends:
        says = f"killed, it loses the last second of what it has answered (appendfsync {fsync})"
    elif target.has_snapshots:
        says = "killed, it loses everything since its last snapshot (appendonly no)"
    else:
        says = "killed or restarted, it loses everything (appendonly no)"
    remedy = "set appendonly yes and appendfsync always, or accept it: MILEPOST_DURABILITY=memory"
    return Finding(check, "warn" if durability == "memory" else "fail", says, remedy)


def _eviction(check: str, target: RedisTarget) -> Finding:
    fault = fault_of(target.server, "memory")
    if fault:
        says, _, remedy = fault.partition(": ")
        return Finding(check, "fail", says, remedy)
    if target.server.eviction is None:
        says = "it does not tell whether it evicts"
        return Finding(check, "warn", says, "see at its provider: maxmemory-policy noeviction")
    return Finding(check, "ok", "full, it refuses new tasks and throws none away (noeviction)")


def _memory(check: str, target: RedisTarget) -> Finding:
    most = target.server.max_bytes
    if not most:
        says = "no maxmemory: when the machine's memory is full the server is killed"
        return Finding(check, "warn", says, "set maxmemory below what the machine has")
    says = (
        f"{most / 1e6:,.0f} MB: new tasks are refused from {most * 0.85 / 1e6:,.0f} MB on, "
        f"logs are trimmed from {most / 4e6:,.0f} MB on"
    )
    return Finding(check, "ok", says)


def _failover(check: str, target: RedisTarget) -> Finding:
    if target.replicas is None:
        says = "it does not tell of replicas; a failover to one may lose the end of the log"
        return Finding(check, "warn", says, "see at its provider; docs/operations.md, On a cluster")
    if not target.replicas:
        says = "no replica: while it is away all wait, and nothing is lost"
        return Finding(check, "ok", says)
    replicas = f"{target.replicas} replica{'s' if target.replicas > 1 else ''}"
    if target.replicas_to_write:
        says = f"{replicas}, without {target.replicas_to_write} of which it accepts nothing"
        return Finding(check, "ok", f"{says}: a failover may lose some milliseconds")
    says = f"{replicas}: a failover may lose what has not reached them, without a bound"
    return Finding(check, "warn", says, "set min-replicas-to-write 1 and min-replicas-max-lag 2")


def _rights(check: str, target: RedisTarget) -> Finding:
    needed = {name: why for name, why in target.refused.items() if name not in OPTIONAL}
    if needed:
        names = ", ".join(name.replace("|", " ").upper() for name in sorted(needed)[:NAMED])
        more = f" and {len(needed) - NAMED} more" if len(needed) > NAMED else ""
        says = f"refused: {names}{more} ({next(iter(needed.values()))})"
        return Finding(check, "fail", says, "give the user the rights of docs/redis-commands.md")
    missing = sorted(name.replace("|", " ").upper() for name in target.refused)
    says = "every command that Milepost sends may be sent"
    return Finding(check, "ok", says + (f"; {', '.join(missing)} is not needed" if missing else ""))
