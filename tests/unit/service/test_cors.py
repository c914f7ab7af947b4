"""Which pages may call: preflights, credentials, what they may read."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Response

from milepost.settings import Settings
from milepost_service.app import create_app

APP = "https://app.example"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncGenerator[None]:
    yield


async def _ready() -> dict[str, str]:
    return {}


def client(origins: str) -> httpx.AsyncClient:
    settings = Settings.load(secret="x" * 40, cors_origins=origins)
    app = create_app(
        title="X", prefix="/api/x", settings=settings, lifespan=_lifespan, ready=_ready
    )

    async def page() -> Response:
        return Response("export {}", media_type="text/javascript")

    async def broken() -> None:
        raise RuntimeError

    app.add_api_route("/milepost.js", page)
    app.add_api_route("/api/x/broken", broken)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://m.example")


def cors(answer: httpx.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


async def test_a_preflight_of_a_listed_origin_is_answered() -> None:
    async with client(f"https://other.example,{APP}") as http:
        answer = await http.options("/api/x/tasks", headers={"Origin": APP, **ASKED})
    assert answer.status_code == 204
    assert answer.content == b""
    found = cors(answer)
    assert found["access-control-allow-origin"] == APP
    assert found["access-control-allow-credentials"] == "true"
    assert {"POST", "DELETE"} <= set(found["access-control-allow-methods"].split(", "))
    allowed = found["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key", "last-event-id"} <= set(allowed)
    assert int(found["access-control-max-age"]) > 0
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/api/x/livez", "/milepost.js", "/api/x/none", "/api/x/broken"])
async def test_a_page_of_a_listed_origin_may_read_every_answer(path: str) -> None:
    """Of scripts too: as modules they are asked for by CORS."""
    async with client(APP) as http:
        answer = await http.get(path, headers={"Origin": APP})
    found = cors(answer)
    assert found["access-control-allow-origin"] == APP
    assert found["access-control-allow-credentials"] == "true"
    exposed = set(found["access-control-expose-headers"].split(", "))
    assert exposed >= {"Retry-After", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy"}
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://app.example.evil.example", "https://app.example:444",
     "http://app.example", "https://APP.example", "https://app.example/", ""],
)  # fmt: skip
async def test_nobody_else_is_told_anything(origin: str) -> None:
    async with client(APP) as http:
        preflight = await http.options("/api/x/livez", headers={"Origin": origin, **ASKED})
        answer = await http.get("/api/x/livez", headers={"Origin": origin})
    assert preflight.status_code == 405
    assert preflight.headers["content-type"] == "application/problem+json"
    assert cors(preflight) == cors(answer) == {}
    assert answer.status_code == 200
    assert answer.headers["vary"] == "Origin"


async def test_two_origins_are_none() -> None:
    async with client(APP) as http:
        answer = await http.get("/api/x/livez", headers=[("Origin", APP), ("Origin", APP)])
    assert cors(answer) == {}


async def test_any_origin_never_has_credentials() -> None:
    async with client("*") as http:
        preflight = await http.options("/api/x/tasks", headers={"Origin": APP, **ASKED})
        answer = await http.get("/api/x/livez", headers={"Origin": APP, "Cookie": "a=b"})
    for each in (preflight, answer):
        assert each.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in each.headers


async def test_without_the_setting_there_is_no_word_of_it() -> None:
    async with client("") as http:
        preflight = await http.options("/api/x/livez", headers={"Origin": APP, **ASKED})
        answer = await http.get("/api/x/livez", headers={"Origin": APP})
    assert preflight.status_code == 405
    assert cors(preflight) == cors(answer) == {}
    assert "vary" not in answer.headers


async def test_options_that_is_no_preflight_is_any_method() -> None:
    async with client(APP) as http:
        answer = await http.options("/api/x/livez", headers={"Origin": APP})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
