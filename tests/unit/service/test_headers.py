"""What browsers are told with every answer: a table that says so for each kind of it."""

import re

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from milepost_cli import dev_mail
from milepost_notify import page
from milepost_service.headers import HSTS, SecurityHeaders

POLICIES = {
    "page": page.HEADERS["Content-Security-Policy"],
    "/dev/mail": dev_mail.HEADERS["Content-Security-Policy"],
}


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Referrer-Policy": "no-referrer"} if scope["path"] == "/own" else {}
    await PlainTextResponse("found", headers=headers)(scope, receive, send)


async def _headers(path: str, url: str = "http://test", *, is_tls: bool = False) -> dict[str, str]:
    transport = httpx.ASGITransport(SecurityHeaders(_app, is_tls=is_tls))
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        return dict((await client.get(path)).headers)


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/notify/tasks", "/nothing"])
async def test_every_answer_tells_browsers_to_be_careful(path: str) -> None:
    found = await _headers(path)
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "same-origin"
    assert found["x-frame-options"] == "DENY"
    assert found["cross-origin-opener-policy"] == "same-origin"
    assert found["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_answers_of_the_api_are_kept_and_rendered_by_nobody() -> None:
    found = await _headers("/api/submit/tasks")
    assert found["cache-control"] == "no-store"
    assert found["cross-origin-resource-policy"] == "same-origin"
    assert "cache-control" not in await _headers("/")


async def test_what_an_endpoint_said_itself_stays() -> None:
    assert (await _headers("/own"))["referrer-policy"] == "no-referrer"


async def test_only_behind_tls_is_a_browser_told_to_insist_on_it() -> None:
    name = "strict-transport-security"
    assert name not in await _headers("/")
    assert (await _headers("/", "https://test"))[name] == HSTS
    assert (await _headers("/api/submit/tasks", is_tls=True))[name] == HSTS


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_allows_nothing_unsafe_and_no_other_origin(name: str) -> None:
    policy = POLICIES[name]
    directives = {
        name: value
        for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))
    }
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in policy
    assert not re.search(r"\*|https?:|data:|blob:", policy)
