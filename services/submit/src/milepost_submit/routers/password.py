"""Owns the endpoint by which somebody changes his password. Signs nobody in."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request, Response, Security

from milepost.callers import Caller
from milepost.errors import InvalidValue
from milepost.owners import LOCAL_PREFIX
from milepost.problems import HttpProblem, field_error
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Required, address_of, caller
from milepost_service.bodies import strict_route
from milepost_submit.account_requests import PasswordChange
from milepost_submit.accounts import Known
from milepost_submit.common_passwords import is_common
from milepost_submit.parts import parts_of
from milepost_submit.usernames import check_password, fold_username


async def signed_in(request: Request) -> Caller:
    """Require somebody who signed in here: no token changes a password.

    Raises:
        HttpProblem: 401, 403, 503.
    """
    who = await caller(request)
    if who.kind != "session" or not who.owner.startswith(LOCAL_PREFIX):
        raise HttpProblem(403, "forbidden", "Not with these credentials", "Sign in.")
    return who


SignedIn = Annotated[Caller, Security(Required(signed_in))]
router = APIRouter(
    prefix="/api/submit/password",
    route_class=strict_route(guard=signed_in),
    responses=PROBLEM_RESPONSES,
    tags=["accounts"],
)


@router.put("", status_code=204)
async def change(request: Request, body: PasswordChange, who: SignedIn) -> Response:
    """Change one's own password, by the present one: 403 when it is wrong, 429 after 10 failures in
    5 minutes. All other sessions end; access tokens stay. 503 may mean that it is changed and other
    sessions have not ended: end them by `DELETE /api/submit/sessions`."""
    username = who.owner.removeprefix(LOCAL_PREFIX)
    parts, folded, address = parts_of(request), fold_username(username), address_of(request)
    await parts.sign_in_limit.take(folded, address)
    account = await parts.accounts.find(folded)
    if account is None or not await _is(request, account, body.current):
        audit.record("password.refused", who.owner, address=address)
        detail = "The present password is another one."
        error = field_error(["body", "current"], detail)
        raise HttpProblem(403, "wrong-password", "Wrong password", detail, errors=[error])
    await parts.sign_in_limit.give_back(folded, address)
    new = await _checked(body.new, username, account, request)
    hashed = await parts.passwords.hash(new)
    if not await parts.accounts.change(folded, account.password_hash, hashed):
        raise HttpProblem(409, "changed-meanwhile", "It was changed meanwhile")
    audit.record("password.change", who.owner, address=address)
    ids = [id for id in await parts.registry.sessions.ids_of(who.owner) if id != who.credential]
    await parts.registry.end_sessions(*ids)
    for id in ids:
        audit.record("session.end", who.owner, credential=id, address=address)
    return Response(status_code=204)


async def _is(request: Request, account: Known, password: str) -> bool:
    """Whether it is the account's password."""
    try:
        checked = check_password(password)
    except InvalidValue:  # no account has it
        return False
    return await parts_of(request).passwords.verify(account.password_hash, checked)


async def _checked(text: str, username: str, account: Known, request: Request) -> str:
    """A new password as kept, or 422 with what is wrong with it."""
    wrong = None
    try:
        password = check_password(text)
    except InvalidValue as err:
        password, wrong = "", str(err)
    if not wrong and await asyncio.to_thread(is_common, password, username):
        wrong = "one of the passwords that everybody tries first"
    if not wrong and await _is(request, account, password):
        wrong = "the same as before"
    if wrong:
        errors = [field_error(["body", "new"], wrong)]
        raise HttpProblem(422, "invalid", "Not what an account needs", errors=errors)
    return password
