"""Owns who is who on the servers of tests: Milepost, kept to docs/redis-commands.md, and an
administrator for what tests do besides. Nobody else gets in, so no call of the product's can go by
another way than its user's.
"""

import re

from milepost_cli.checkout import ROOT
from milepost_cli.doctor.needed_commands import CLUSTER

PAGE = ROOT / "docs" / "redis-commands.md"
NAME, PASSWORD = "milepost", "a-password-of-redis"
MILEPOST = f"{NAME}:{PASSWORD}"
ADMINISTRATOR = "administrator:another-password"
"""Credentials as a URL has them."""


def rule(namespace: str = "mp") -> list[str]:
    """The rights of Milepost's user as the page has them, with a namespace, which may be a glob."""
    found = re.search(r"^ACL SETUSER milepost (.*)$", PAGE.read_text(), re.M)
    assert found
    return found[1].replace("PASSWORD", PASSWORD).replace("mp:", f"{namespace}:").split()


def server_options(*, cluster: bool) -> list[str]:
    """What makes a server know these two. Tests' namespaces all begin with `mp`."""
    name, password = ADMINISTRATOR.split(":")
    return [
        "--user", "default", "off",
        "--user", name, "on", f">{password}", "~*", "&*", "+@all",
        "--user", NAME, *rule("mp*"), *(f"+{each}" for each in CLUSTER if cluster),
        "--masteruser", name, "--masterauth", password, "--acllog-max-len", "1000",
    ]  # fmt: skip


def as_administrator(url: str) -> str:
    """The URL for a test's own look and touch, where it needs more than the product may."""
    assert f"//{MILEPOST}@" in url, url
    return url.replace(f"//{MILEPOST}@", f"//{ADMINISTRATOR}@")
