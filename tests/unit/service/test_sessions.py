"""From where a session may be used, without a server."""

import pytest
from starlette.requests import Request

from milepost.settings import Settings
from milepost_service.sessions import is_foreign, is_same_origin, is_secure


def request(scheme: str, host: str | None, *origins: str) -> Request:
    headers = [(b"origin", origin.encode()) for origin in origins]
    if host is not None:
        headers.append((b"host", host.encode()))
    return Request(
        {"type": "http", "scheme": scheme, "path": "/", "query_string": b"", "headers": headers}
    )


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "same"),
    [
        ("http", "a.test", "http://a.test", True),
        ("http", "a.test:80", "http://a.test", True),
        ("http", "a.test:8000", "http://a.test:8000", True),
        ("http", "a.test:8000", "http://a.test", False),
        ("http", "A.test", "http://a.TEST", True),
        ("http", "a.test", "https://a.test", True),
        ("https", "a.test", "http://a.test", False),
        ("https", "a.test", "https://a.test:443", True),
        ("http", "[::1]:8000", "http://[::1]:8000", True),
        ("http", "a.test", "http://b.test", False),
        ("http", "a.test", "http://a.test.b.test", False),
        ("http", "a.test", "http://b.test#a.test", False),
        ("http", "a.test", "http://b.test@a.test", True),
        ("http", "a.test@b.test", "http://b.test", True),
        ("http", "a.test", "null", False),
        ("http", None, "http://a.test", False),
        ("http", "", "http://", False),
    ],
)
def test_origin_is_compared_with_the_host_as_browsers_mean_it(
    scheme: str, host: str | None, origin: str, same: bool
) -> None:
    asked = request(scheme, host, origin)
    assert is_same_origin(asked, Settings.load()) is same
    assert is_foreign(asked, Settings.load()) is not same


def test_without_origin_it_is_neither_the_same_nor_foreign() -> None:
    asked = request("http", "a.test")
    assert not is_same_origin(asked, Settings.load())
    assert not is_foreign(asked, Settings.load())


def test_two_origins_are_none() -> None:
    asked = request("http", "a.test", "http://a.test", "http://a.test")
    assert not is_same_origin(asked, Settings.load())
    assert is_foreign(asked, Settings.load())


@pytest.mark.parametrize(
    ("public_url", "scheme", "secure"),
    [
        (None, "http", False),
        (None, "https", True),
        ("https://a.test", "http", True),
        ("HTTPS://a.test", "http", True),
        ("http://a.test", "https", False),
    ],
)
def test_the_public_address_says_whether_people_use_tls(
    public_url: str | None, scheme: str, secure: bool
) -> None:
    settings = Settings.load(public_url=public_url)
    assert is_secure(request(scheme, "a.test"), settings) is secure
