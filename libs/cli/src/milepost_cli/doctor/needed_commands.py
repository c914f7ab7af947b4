"""Owns which commands of Redis Milepost sends: one call of each, in the right form. Sends none.

docs/redis-commands.md has the same list as the rights of a user; a test holds them together. The
embedded server knows Milepost as such a user.
"""

from collections.abc import Iterator

OPTIONAL = frozenset({"config|get", "client|setinfo"})
"""Without them there is a line in the log less to rely on, and nothing else."""
CLUSTER = frozenset({"cluster|slots"})
"""Asked of a cluster alone."""

_FORMS = """
ping
select 0
info
time
memory|usage KEY
config|get appendfsync
client|setinfo lib-name milepost
eval SCRIPT 1 KEY
evalsha DIGEST 1 KEY
publish CHANNEL x
subscribe CHANNEL
get KEY
set KEY x
del KEY
exists KEY
expire KEY 1
ttl KEY
incrby KEY 1
hget KEY x
hmget KEY x
hgetall KEY
hvals KEY
hlen KEY
hset KEY x y
hsetnx KEY x y
hdel KEY x
hexists KEY x
hincrby KEY x 1
lpush KEY x
rpush KEY x
lpop KEY
lpos KEY x
llen KEY
sadd KEY x
srem KEY x
smembers KEY
sismember KEY x
scard KEY
zadd KEY 1 x
zrem KEY x
zremrangebyscore KEY 1 1
zscore KEY x
zrange KEY 0 1
zrangebyscore KEY 0 1
xadd KEY * x y
xdel KEY 1-1
xtrim KEY MAXLEN 1
xlen KEY
xrange KEY - +
xrevrange KEY + -
xread STREAMS KEY 0
xreadgroup GROUP x y STREAMS KEY >
xack KEY x 1-1
xpending KEY x
xsetid KEY 1-1
xinfo|groups KEY
xinfo|stream KEY
xgroup|create KEY x 0
xgroup|delconsumer KEY x y
"""


def rights(namespace: str) -> str:
    """The rights of a user who may send just these, as Redis' configuration has them.

    Args:
        namespace: what all keys and channels begin with; a glob, such as `*` for any.
    """
    sent = ["multi", "exec", *(name for name, _ in calls("", cluster=False))]
    where = f"~{{{namespace}:* ~{namespace}:* &{namespace}:*"
    return " ".join([where, "-@all", *(f"+{name}" for name in sent)])


def calls(namespace: str, *, cluster: bool) -> Iterator[tuple[str, list[str]]]:
    """Each command by its name, such as `xinfo|stream`, and as it is sent."""
    values = {
        "KEY": f"{{{namespace}:0}}:doctor",
        "CHANNEL": f"{namespace}:doctor",
        "SCRIPT": "return 1",
        "DIGEST": "0" * 40,
    }
    lines = _FORMS.split("\n")[1:-1]
    for line in [*lines, *(sorted(CLUSTER) if cluster else [])]:
        name, *arguments = line.split(" ")
        yield name, [*name.split("|"), *(values.get(each, each) for each in arguments)]
