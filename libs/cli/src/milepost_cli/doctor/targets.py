"""Owns `doctor --target`: what the stores behind some URLs can promise. Changes nothing there."""

from collections.abc import Iterator, Sequence

from milepost.errors import ConfigurationError, LogUnavailable
from milepost.settings import Settings
from milepost_cli.doctor import redis_promises, redis_target, sql_promises, sql_target
from milepost_cli.doctor.finding import Finding
from milepost_cli.doctor.way_to_store import of_transport
from milepost_log.cluster_url import ClusterUrl
from milepost_log.routing import NoCluster
from milepost_log.servers import open_servers
from milepost_notify.store import StoreUnavailable
from milepost_service.engines import is_sqlite

NO_CLUSTER = "for a single server begin the URL with redis://; a cluster's user needs CLUSTER SLOTS"
REDIS = ("redis:", "rediss:", "redis+cluster:", "rediss+cluster:")


def findings(urls: Sequence[str]) -> Iterator[Finding]:
    """What each of them can promise, as MILEPOST_NAMESPACE and MILEPOST_DURABILITY want it.

    An empty URL stands for MILEPOST_REDIS_URL and MILEPOST_DATABASE_URL.

    Raises:
        ConfigurationError: a URL is none of ours, or a setting has no usable value.
    """
    settings = Settings.load()
    own = (settings.redis_url, settings.database_url)
    for url in [each for given in urls for each in ((given,) if given else own)]:
        yield from _redis(url, settings) if url.startswith(REDIS) else _sql(url)


def _redis(url: str, settings: Settings) -> Iterator[Finding]:
    of_cluster = ClusterUrl.names_one(url)
    yield of_transport("redis transport", url)
    with open_servers(url) as servers:
        try:
            for name, client in servers.primaries().items():
                found = redis_target.look(name, client, settings.namespace, of_cluster=of_cluster)
                yield from redis_promises.of_redis(found, settings.durability)
        except NoCluster as err:
            yield Finding("redis", "fail", str(err), NO_CLUSTER)
        except LogUnavailable as err:
            yield Finding("redis", "fail", str(err), "see its address, password and certificate")


def _sql(url: str) -> Iterator[Finding]:
    try:
        is_file = is_sqlite(url)
    except ConfigurationError as err:
        raise ConfigurationError("--target: a URL of Redis, PostgreSQL or SQLite") from err
    if is_file:
        says = "SQLite: a file on one machine, for the processes there alone"
        yield Finding("sql", "warn", says, "PostgreSQL, for more than one machine")
        return
    yield of_transport("sql transport", url)
    try:
        yield from sql_promises.of_sql(sql_target.look(url))
    except StoreUnavailable as err:
        yield Finding("sql", "fail", str(err), "see its address, user and password")
