"""Owns what a PostgreSQL can promise, in words, and what to do about what it cannot. Pure."""

from collections.abc import Iterator

from milepost_cli.doctor.finding import Finding
from milepost_cli.doctor.target_facts import SqlTarget
from milepost_cli.doctor.way_to_store import of_distance

OLDEST = 14
API_CONNECTIONS, PROJECTOR_CONNECTIONS = 14, 16
"""That one process has to it at most."""


def of_sql(target: SqlTarget) -> Iterator[Finding]:
    """What a PostgreSQL can promise."""
    if target.pooling == "statement":
        says = "PgBouncer pools statements: transactions are refused, and everything here is one"
        yield Finding("sql pooling", "fail", says, "set pool_mode transaction, or session")
        return
    major = target.version // 10_000
    if major < OLDEST:
        says, remedy = f"PostgreSQL {major}", f"{OLDEST} or newer is needed"
        yield Finding("sql version", "fail", says, remedy)
    else:
        yield Finding("sql version", "ok", f"PostgreSQL {major}.{target.version % 10_000}")
    if target.encoding != "UTF8":
        says = f"encoding {target.encoding}: not every name and message can be kept"
        yield Finding("sql encoding", "fail", says, "make the database with ENCODING 'UTF8'")
    if target.is_replica:
        says = "it is a replica: it accepts no writes"
        yield Finding("sql role", "fail", says, "name its primary")
    yield _sql_durability(target)
    yield _pooling(target)
    yield _schemas(target)
    says = (
        f"{target.connections} for all: a submit or notify takes up to {API_CONNECTIONS}, a "
        f"projector {PROJECTOR_CONNECTIONS}"
    )
    if target.connections < 3 * PROJECTOR_CONNECTIONS and target.pooling != "transaction":
        remedy = "raise max_connections, or put PgBouncer before it in transaction mode"
        yield Finding("sql connections", "warn", says, remedy)
    else:
        yield Finding("sql connections", "ok", says)
    yield of_distance("sql distance", target.answer_ms)


def _sql_durability(target: SqlTarget) -> Finding:
    if not target.fsync:
        says = "a power cut may destroy it (fsync off)"
        return Finding("sql durability", "fail", says, "set fsync on")
    if target.synchronous_commit == "off":
        says = (
            "a crash loses the last moment of accounts and sessions (synchronous_commit off); "
            "events are projected again"
        )
        return Finding("sql durability", "warn", says, "set synchronous_commit on")
    return Finding("sql durability", "ok", "what it has answered it keeps when it is killed")


def _pooling(target: SqlTarget) -> Finding:
    says = {
        "none": "nothing stands between: each process has connections of its own",
        "session": "something stands between (PgBouncer in session mode, a proxy, a NAT): it works",
        "transaction": "PgBouncer, or the like, in transaction mode: it works as it is",
    }.get(target.pooling)
    if says is None:
        says = "it gave no second connection within some seconds: a pool of one?"
        return Finding("sql pooling", "warn", says, "see default_pool_size and max_connections")
    return Finding("sql pooling", "ok", says)


def _schemas(target: SqlTarget) -> Finding:
    hidden = sorted(name for name, may in target.schemas.items() if not may)
    if hidden:
        says = f"the user may not use the schema {' and '.join(hidden)}"
        return Finding("sql rights", "fail", says, "GRANT USAGE, and rights on its tables")
    if len(target.schemas) < 2 and not target.may_create:
        says = "the schemas are not all there, and the user may make none"
        return Finding("sql rights", "fail", says, "run `./milepost migrate` as a user with CREATE")
    return Finding("sql rights", "ok", "the schemas are there" if len(target.schemas) == 2 else
                   "`./milepost migrate` may make the schemas")  # fmt: skip
