"""Owns which endpoints notify has, and what its own errors become. Wires nothing."""

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware

from milepost.problems import HttpProblem
from milepost.settings import Settings
from milepost.tracing import Tracer
from milepost_notify.delivery import NotProjected
from milepost_notify.idle_polls import IdlePolls
from milepost_notify.owned import NotVisible, UnknownTask
from milepost_notify.page import serve_page
from milepost_notify.routers import admin, exports, notifications, stream, tasks
from milepost_notify.routers.asked import unavailable, unknown_task
from milepost_notify.store import StoreUnavailable
from milepost_service.answers import answer
from milepost_service.app import Lifespan, create_app
from milepost_service.credentials import Clock, Registry
from milepost_service.probes import Checks, Live
from milepost_service.request_limit import Buckets
from milepost_service.revocations import Revocations

PREFIX = "/api/notify"


def create_notify(
    settings: Settings,
    lifespan: Lifespan,
    ready: Checks,
    clock: Clock,
    registry: Registry,
    revocations: Revocations,
    buckets: Buckets | None = None,
    live: Live = dict,
    tracer: Tracer | None = None,
) -> FastAPI:
    """Make the application; its lifespan sets `app.state.parts`."""
    app = create_app(
        title="Milepost notify",
        prefix=PREFIX,
        settings=settings,
        lifespan=lifespan,
        ready=ready,
        clock=clock,
        registry=registry,
        revocations=revocations,
        buckets=buckets,
        live=live,
        tracer=tracer,
    )
    app.add_exception_handler(StoreUnavailable, _away)
    app.add_exception_handler(NotProjected, _away)
    app.add_exception_handler(NotVisible, _not_visible)
    app.add_exception_handler(UnknownTask, _unknown)
    for endpoints in (notifications, stream, tasks, exports, admin):
        app.include_router(endpoints.router)
    serve_page(app)
    # Innermost, so that what every answer has, these have too.
    app.user_middleware.append(Middleware(IdlePolls, route=notifications.router.routes[0]))
    return app


async def _away(_: Request, err: Exception) -> Response:
    found: HttpProblem = unavailable("Try again in a moment.")
    return answer(found.body, found.headers)


async def _not_visible(_: Request, err: Exception) -> Response:
    found = unavailable(str(err))
    return answer(found.body, found.headers)


async def _unknown(_request: Request, _err: Exception) -> Response:
    return answer(unknown_task().body)
