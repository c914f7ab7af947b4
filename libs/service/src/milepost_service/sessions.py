"""Owns the session cookie: set, cleared, and from where it may be used. Checks no token."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from milepost import tokens
from milepost.settings import Settings

SESSION_COOKIE = "milepost_session"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def start_session(
    request: Request, response: Response, owner: str, session: str, *, now: float
) -> None:
    """Give the browser a signed cookie that names a session of `owner`, from `now` on."""
    settings: Settings = request.app.state.settings
    token = tokens.mint(
        owner,
        settings.secrets[0],
        now=now,
        ttl_seconds=settings.session_seconds,
        audience=tokens.SESSION_AUDIENCE,
        local=True,
        session=session,
    )
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=settings.session_seconds,
        path="/",
        secure=is_secure(request, settings),
        httponly=True,
        samesite="lax",
    )


def end_session(request: Request, response: Response) -> None:
    """Make the browser forget the cookie."""
    secure = is_secure(request, request.app.state.settings)
    response.delete_cookie(SESSION_COOKIE, path="/", secure=secure, httponly=True, samesite="lax")


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether people reach us over TLS, as far as we are told."""
    if settings.public_url:
        return settings.public_url.lower().startswith("https:")
    return request.url.scheme == "https"


def is_same_origin(request: Request, settings: Settings) -> bool:
    """Whether `Origin` says that the request comes from our own page. Absent: no.

    Compared with PUBLIC_URL where it is set, else with `Host`: a proxy that ends TLS without being
    trusted leaves us with http, so there https with the same host counts too.
    """
    sent = request.headers.getlist("origin")
    origin = _origin(sent[0]) if len(sent) == 1 else None
    if origin is None:
        return False
    if settings.public_url:
        return origin == _origin(settings.public_url)
    host = request.headers.get("host", "")
    schemes = ("https",) if request.url.scheme == "https" else ("http", "https")
    return any(origin == _origin(f"{scheme}://{host}") for scheme in schemes)


def is_foreign(request: Request, settings: Settings) -> bool:
    """Whether `Origin` names another site; absent (no browser) is not foreign."""
    return "origin" in request.headers and not is_same_origin(request, settings)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return scheme, parts.hostname, port or _DEFAULT_PORTS[scheme]
