"""Owns which endpoints submit has. Wires nothing."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from milepost.settings import Settings
from milepost.tracing import Tracer
from milepost_service.app import Lifespan, create_app
from milepost_service.credentials import Clock, Registry
from milepost_service.probes import Checks, Live
from milepost_service.request_limit import Buckets
from milepost_service.revocations import Revocations
from milepost_submit.plain_submits import PlainSubmits
from milepost_submit.routers import (
    access_tokens,
    accounts,
    admin,
    bulk,
    changes,
    credential,
    password,
    pauses,
    sessions,
    task_types,
    tasks,
)

PREFIX = "/api/submit"


def create_submit(
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
        title="Milepost submit",
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
    for router in (
        accounts.router,
        access_tokens.router,
        credential.router,
        credential.guarded,
        sessions.router,
        password.router,
        task_types.router,
        tasks.batch_router,
        tasks.router,
        changes.router,
        admin.router,
        bulk.router,
        pauses.router,
    ):
        app.include_router(router)
    # Innermost, so that what every answer has, these have too.
    app.user_middleware.append(Middleware(PlainSubmits, route=tasks.router.routes[0]))
    return app
