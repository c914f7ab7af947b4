"""A cluster's URL names nodes to ask first; what else is in it holds for every node."""

import pytest

from milepost.errors import ConfigurationError
from milepost_log.cluster_url import ClusterUrl
from milepost_log.servers import open_servers
from milepost_log.slots import Address

NODE = Address("10.0.0.9", 7009)


@pytest.mark.parametrize(
    ("url", "seeds", "node"),
    [
        ("redis+cluster://a", [("a", 6379)], "redis://10.0.0.9:7009/0"),
        ("redis+cluster://a:1,b:2/", [("a", 1), ("b", 2)], "redis://10.0.0.9:7009/0"),
        ("redis+cluster://a:1, b/0", [("a", 1), ("b", 6379)], "redis://10.0.0.9:7009/0"),
        ("redis+cluster://u:p%40,w@a:1", [("a", 1)], "redis://u:p%40,w@10.0.0.9:7009/0"),
        ("redis+cluster://[::1]:7,a", [("::1", 7), ("a", 6379)], "redis://10.0.0.9:7009/0"),
        (
            "rediss+cluster://:pw@a/0?ssl_cert_reqs=none",
            [("a", 6379)],
            "rediss://:pw@10.0.0.9:7009/0?ssl_cert_reqs=none",
        ),
    ],
)
def test_nodes_share_credentials_and_options(url: str, seeds: list[tuple[str, int]], node: str):
    parsed = ClusterUrl.parse(url)
    assert list(parsed.seeds) == seeds
    assert parsed.of(NODE) == node


def test_an_address_of_ipv6_stands_in_brackets():
    url = ClusterUrl.parse("redis+cluster://a").of(Address("fe80::1", 7000))
    assert url == "redis://[fe80::1]:7000/0"


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://",
        "redis+cluster://,",
        "redis+cluster://a:port",
        "redis+cluster://a/1",
        "redis+cluster://a?db=3",
        "redis+cluster://:secret@a:99999999",
        "redis+cluster://:secret@a?no_such_option=1&socket_timeout=soon",
        "redis://a:1,b:2",
        "cluster://a",
    ],
)
def test_what_is_no_url_is_refused_in_one_line_without_the_password(url: str):
    with pytest.raises(ConfigurationError, match=r"^MILEPOST_REDIS_URL: ") as refused:
        open_servers(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
