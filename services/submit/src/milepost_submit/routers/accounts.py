"""Owns the endpoints of people who sign in here: accounts and sessions. Touches no task."""

import asyncio

from fastapi import APIRouter, Request, Response

from milepost.errors import InvalidValue
from milepost.owners import LOCAL_PREFIX
from milepost.problems import FieldError, HttpProblem, field_error
from milepost.settings import Settings
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Known, address_of
from milepost_service.bodies import strict_route
from milepost_service.refused_credentials import NOBODY
from milepost_service.sessions import SESSION_COOKIE, end_session, is_foreign, start_session
from milepost_submit.account_requests import Credentials, NewAccount, SessionAnswer
from milepost_submit.accounts import UsernameTaken
from milepost_submit.common_passwords import is_common
from milepost_submit.parts import parts_of
from milepost_submit.usernames import (
    check_password,
    check_username,
    fold_username,
    local_owner,
    skeleton,
)

MAX_CREDENTIALS_BYTES = 64 * 1024
"""Of a username and a password: nobody has said who he is yet."""


async def _not_from_elsewhere(request: Request) -> None:
    """Nobody else's page signs people up, in or out."""
    if request.method != "GET" and is_foreign(request, request.app.state.settings):
        raise HttpProblem(403, "foreign-origin", "Only our own pages do this")


router = APIRouter(
    prefix="/api/submit",
    route_class=strict_route(guard=_not_from_elsewhere, limit=lambda _: MAX_CREDENTIALS_BYTES),
    responses=PROBLEM_RESPONSES,
    tags=["accounts"],
)


@router.post("/accounts", status_code=201)
async def sign_up(request: Request, body: NewAccount) -> SessionAnswer:
    """Make an account: 409 when somebody has that username or one that looks like it, 403 when
    sign-up is closed."""
    settings: Settings = request.app.state.settings
    if settings.signup != "open":
        raise HttpProblem(403, "sign-up-closed", "Sign-up is closed")
    parts = parts_of(request)
    username, password = _checked(body)
    if await asyncio.to_thread(is_common, password, username):
        error = field_error(["body", "password"], "one of the passwords that everybody tries first")
        raise HttpProblem(422, "invalid", "Not what an account needs", errors=[error])
    folded, look = fold_username(username), skeleton(username)
    taken = HttpProblem(409, "username-taken", "Somebody has that username")
    if await parts.accounts.is_taken(folded, look):
        raise taken
    hashed = await parts.passwords.hash(password)
    now_ms = int(request.app.state.clock() * 1000)
    try:
        await parts.accounts.add(folded, username, look, hashed, now_ms=now_ms)
    except UsernameTaken as err:
        raise taken from err
    _record("account.create", request, local_owner(username))
    return SessionAnswer(username=username, owner=local_owner(username))


@router.post("/session")
async def sign_in(request: Request, response: Response, body: Credentials) -> SessionAnswer:
    """Sign in: one cookie, always of a new session; one that came along is over.

    Unknown usernames and wrong passwords look and take the same.
    """
    parts, folded = parts_of(request), fold_username(body.username)
    address = address_of(request)
    try:
        await parts.sign_in_limit.take(folded, address)
    except HttpProblem as limited:
        _record("session.limited", request, NOBODY, retry_after=limited.headers["Retry-After"])
        raise
    account = await parts.accounts.find(folded)
    owner = None if account is None else local_owner(account.username)
    try:
        password = check_password(body.password)
    except InvalidValue:  # no account has it; checked all the same, for the time it takes
        account, password = None, body.password[:100]
    fits = await parts.passwords.verify(account and account.password_hash, password)
    if not fits or account is None or owner is None:
        # What was typed is not told where there is no such account: it may be a password.
        _record("session.refused", request, owner or NOBODY)
        raise HttpProblem(
            401,
            "wrong-credentials",
            "Wrong username or password",
            headers={"WWW-Authenticate": "Bearer"},
        )
    await parts.sign_in_limit.give_back(folded, address)
    await _end_session(request)
    session = await parts.registry.sessions.begin(owner)
    _record("session.begin", request, owner, credential=session.id)
    start_session(request, response, owner, session.id, now=request.app.state.clock())
    return SessionAnswer(username=account.username, owner=owner)


@router.get("/session")
async def whoami(who: Known) -> SessionAnswer:
    """Say who is signed in."""
    return SessionAnswer(username=who.owner.removeprefix(LOCAL_PREFIX), owner=who.owner)


@router.delete("/session", status_code=204)
async def sign_out(request: Request) -> Response:
    """End the session and forget its cookie; repeatable."""
    if SESSION_COOKIE in request.cookies and "origin" not in request.headers:
        raise HttpProblem(403, "foreign-origin", "A session may be used from its own origin only")
    await _end_session(request)
    response = Response(status_code=204)
    end_session(request, response)
    return response


async def _end_session(request: Request) -> None:
    """Revoke the session whose cookie came along, if one did."""
    registry = parts_of(request).registry
    who = registry.session_of(request.cookies.get(SESSION_COOKIE, ""))
    if who is not None and who.credential is not None:
        await registry.end_sessions(who.credential)
        _record("session.end", request, who.owner, credential=who.credential)


def _record(action: str, request: Request, by: str, **fields: object) -> None:
    audit.record(action, by, address=address_of(request), **fields)


def _checked(body: Credentials) -> tuple[str, str]:
    """Username and password as kept, or 422 with what is wrong with either."""
    errors: list[FieldError] = []
    checked: list[str] = []
    for field, check in (("username", check_username), ("password", check_password)):
        try:
            checked.append(check(getattr(body, field)))
        except InvalidValue as err:
            errors.append(field_error(["body", field], str(err)))
    if errors:
        raise HttpProblem(422, "invalid", "Not what an account needs", errors=errors)
    return checked[0], checked[1]
