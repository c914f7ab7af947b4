"""Owns how an HTTP service of ours is put together; knows no endpoint but its own four."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response

from milepost.settings import Settings
from milepost.tracing import Tracer
from milepost_service import failures, introspection
from milepost_service.answers import PROBLEM_RESPONSES, PROBLEM_SCHEMA
from milepost_service.bodies import BodyRoom
from milepost_service.cors import Cors
from milepost_service.credentials import Clock, Registry
from milepost_service.headers import SecurityHeaders
from milepost_service.heads import Heads
from milepost_service.metrics import Metrics, MetricsMiddleware
from milepost_service.probes import Checks, Live, live_answer, ready_answer
from milepost_service.public_keys import PublicKeys
from milepost_service.refused_credentials import RefusedCredentials
from milepost_service.request_limit import Buckets, RequestLimit
from milepost_service.revocations import Revocations
from milepost_service.traced_requests import TracedRequests
from milepost_service.verified import Verified

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class _Service(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The document, with the schema that all problems have."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("ProblemDetails", PROBLEM_SCHEMA)
        return document


def create_app(
    *,
    title: str,
    prefix: str,
    settings: Settings,
    lifespan: Lifespan,
    ready: Checks,
    clock: Clock = time.time,
    buckets: Buckets | None = None,
    registry: Registry | None = None,
    revocations: Revocations | None = None,
    live: Live = dict,
    tracer: Tracer | None = None,
) -> FastAPI:
    """Make an application with `livez`, `readyz`, `metrics` and `openapi.json` under `prefix`.

    Every answer of 400 and above is a problem document; nothing of an unexpected error but a
    reference leaves the process. `app.state` has `settings`, `clock`, `verified`, `ready`,
    `body_room` and `metrics`. The lifespan is to close `verified`, and to keep `revocations`
    looking.

    Args:
        prefix: such as `/api/submit`.
        ready: is awaited by each `readyz`; must not take long.
        clock: seconds since the epoch, for tokens.
        buckets: out of which requests take a token each; none: there is no limit.
        registry: of sessions and access tokens; null: there are none.
        live: is asked by each `livez`.
        tracer: makes a span of each command; whoever made it closes it.
    """
    app = _Service(
        title=title,
        version=version("milepost-service"),
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{prefix}/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.clock = clock
    app.state.verified = Verified(
        settings.secrets,
        settings.jwt_audience,
        clock,
        keys=PublicKeys(settings.jwks_url) if settings.jwks_url else None,
        issuer=settings.jwt_issuer,
        registry=registry,
        revocations=revocations,
    )
    app.state.refused_credentials = RefusedCredentials(clock)
    app.state.ready = ready
    app.state.body_room = BodyRoom(settings.max_bodies_bytes)
    app.state.metrics = metrics = Metrics(prefix.rpartition("/")[2])
    failures.install(app)
    if buckets is not None:
        app.add_middleware(RequestLimit, buckets=buckets, prefix=prefix)
    app.add_middleware(failures.LastResort)
    if settings.cors_origins:
        app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(TracedRequests, tracer=tracer, queries=(introspection.PATH,))
    app.add_middleware(SecurityHeaders, is_tls=(settings.public_url or "").startswith("https:"))
    app.add_middleware(Heads)

    async def livez() -> Response:
        """Say that the process answers, and that all of it goes on."""
        return live_answer(live())

    async def readyz() -> Response:
        """Say whether everything it needs is there."""
        return ready_answer(await ready())

    async def expose(_: Request) -> Response:
        """Give figures to Prometheus."""
        return Response(await metrics.text(), media_type=metrics.media_type)

    app.add_api_route(
        f"{prefix}/livez",
        livez,
        methods=["GET"],
        tags=["operations"],
        response_model=dict[str, str],
        responses={503: PROBLEM_RESPONSES[503] | {"description": "Stuck: restart it"}},
    )
    app.add_api_route(
        f"{prefix}/readyz",
        readyz,
        methods=["GET"],
        tags=["operations"],
        responses={503: PROBLEM_RESPONSES[503] | {"description": "Not all of it"}},
    )
    app.add_api_route(
        f"{prefix}/metrics", expose, methods=["GET"], tags=["operations"], response_class=Response
    )
    return app
