"""Owns as whom Python code asks the services: an application for an owner, a task for its own."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milepost.exchanges import Ask
from milepost.http_exchange import Access
from milepost.owners import check_owner
from milepost.running import RunningTask, running
from milepost.settings import Settings
from milepost.tokens import mint
from milepost.trace_context import of_caller

TOKEN_SECONDS = 60.0
APPLICATION = "application"
"""Who a backend's tokens name; whom it acts for is in the request."""


@dataclass(frozen=True, slots=True)
class Acting:
    """As whom something is asked."""

    owner: str | None
    """Whom an application acts for; null for a running task, whose credentials are its owner's."""
    parent: RunningTask | None
    """The running task that acts for its own owner."""
    access: Access


def acting_for(owner: str | None) -> Acting:
    """As whom to ask for `owner`; null: for the running task's.

    Raises:
        TypeError: no owner is given and no task runs here.
        InvalidValue: it cannot be an owner.
        ConfigurationError: MILEPOST_SECRET is missing or weak.
    """
    parent = running.get()
    if owner is not None:
        check_owner(owner)
        if parent is not None and owner == parent.owner:
            owner = None
        else:
            parent = None  # for somebody else a task acts as the application
    elif parent is None:
        raise TypeError("whose task is it? owner=... is missing")
    settings = Settings.load()
    settings.require_secret()

    def headers(ask: Ask) -> Mapping[str, str]:
        return _headers(settings, parent, ask)

    return Acting(owner, parent, Access(settings.submit_url, settings.notify_url, headers))


def _headers(settings: Settings, parent: RunningTask | None, ask: Ask) -> Mapping[str, str]:
    """With a fresh token: an attempt may have waited longer than one lives."""
    who: dict[str, Any] = {"scopes": ("service",)}
    if parent is not None:
        who = {"local": True, "task": parent.id}
    token = mint(
        APPLICATION if parent is None else parent.owner,
        settings.secrets[0],
        now=time.time(),
        ttl_seconds=TOKEN_SECONDS,
        tasks=None if ask.task is None else [ask.task],
        audience=settings.jwt_audience,
        **who,
    )
    headers = {"Authorization": f"Bearer {token}"}
    trace = of_caller() or (parent.trace if parent is not None else "")
    if trace:
        headers["traceparent"] = trace
    return headers
