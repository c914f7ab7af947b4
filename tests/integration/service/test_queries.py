"""What stands behind `?`: known to the endpoint, and once."""

import httpx
import pytest

from service_process import Start


@pytest.mark.parametrize(
    ("query", "wrong"),
    [("limit=5&colour=red", ["colour"]), ("limit=5&limit=6", ["limit"]), ("LIMIT=5", ["LIMIT"]),
     ("=", [""]), ("limit=5&%00=1&x=2&x=3", ["\0", "x", "x"])],
)  # fmt: skip
def test_what_is_not_known_or_sent_twice_is_named(
    start: Start, query: str, wrong: list[str]
) -> None:
    _, url = start()
    answer = httpx.get(f"{url}/api/x/many?{query}")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [["query", n] for n in wrong]


def test_what_is_known_is_taken(start: Start) -> None:
    _, url = start()
    for query, limit in (("", 1), ("?", 1), ("?limit=5", 5), ("?limit=5&", 5)):
        assert httpx.get(f"{url}/api/x/many{query}").json() == limit
