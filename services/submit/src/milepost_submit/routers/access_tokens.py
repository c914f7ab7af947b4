"""Owns the endpoints of personal access tokens: made, listed, revoked. Touches no task."""

from typing import Annotated

from fastapi import APIRouter, Request, Response, Security

from milepost.callers import DEFAULT_SCOPES, Caller
from milepost.problems import HttpProblem, field_error
from milepost.records import rfc3339
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Required, acting_owner, address_of, caller
from milepost_service.bodies import strict_route
from milepost_submit.access_tokens import AccessToken, TooManyAccessTokens
from milepost_submit.account_requests import (
    AccessTokenAnswer,
    AccessTokenRequest,
    AccessTokensAnswer,
    NewAccessTokenAnswer,
)
from milepost_submit.parts import parts_of
from milepost_submit.routers.asked import OwnerQuery, one_owner


async def keeper(request: Request) -> Caller:
    """Require a signed-in person, or an application's backend by a token that expires.

    Whoever gets hold of a page's token for 15 minutes, or of a script's, shall not make himself one
    that lasts. A script's may be put away by itself.

    Raises:
        HttpProblem: 401, 403, 503.
    """
    who = await caller(request)
    is_backend = who.kind == "token" and "service" in who.scopes
    revokes_itself = (
        request.method == "DELETE"
        and who.kind == "access-token"
        and request.path_params.get("token_id") == who.credential
    )
    if who.kind != "session" and not is_backend and not revokes_itself:
        detail = "Sign in, or let your application's backend (scope service) do it."
        raise HttpProblem(403, "forbidden", "Not with these credentials", detail)
    return who


Keeper = Annotated[Caller, Security(Required(keeper))]
router = APIRouter(
    prefix="/api/submit/access-tokens",
    route_class=strict_route(guard=keeper),
    responses=PROBLEM_RESPONSES,
    tags=["accounts"],
)


@router.post("", status_code=201)
async def make(
    request: Request, body: AccessTokenRequest, who: Keeper, owner: OwnerQuery = None
) -> NewAccessTokenAnswer:
    """Make a token for scripts, to be sent as a bearer; `token` is told this once."""
    acting = acting_owner(who, one_owner(body.owner, owner))
    wanted = DEFAULT_SCOPES if body.scopes is None else frozenset(body.scopes)
    # Whom others vouch for gives what owners have: a token of ours would not be bounded as his is.
    own = who.scopes if acting == who.owner and not who.is_foreign else frozenset[str]()
    allowed = DEFAULT_SCOPES | own
    if wanted - allowed:
        title = f"Beyond what you may give: {', '.join(sorted(wanted - allowed))}"
        error = field_error(["body", "scopes"], title)
        raise HttpProblem(403, "forbidden", title, errors=[error])
    expires_at = None
    if body.expires_in_seconds is not None:
        expires_at = int((request.app.state.clock() + body.expires_in_seconds) * 1000)
    tokens = parts_of(request).registry.access_tokens
    try:
        made, text = await tokens.add(acting, body.name, wanted, expires_at)
    except TooManyAccessTokens as err:
        detail = "Revoke some that are not used any more."
        raise HttpProblem(409, "too-many-access-tokens", "Too many access tokens", detail) from err
    audit.record(
        "access-token.create", who.owner, credential=made.id, owner=acting,
        scopes=" ".join(made.scopes), address=address_of(request),
    )  # fmt: skip
    return NewAccessTokenAnswer(**_told(made).model_dump(), token=text)


@router.get("")
async def tokens(request: Request, who: Keeper, owner: OwnerQuery = None) -> AccessTokensAnswer:
    """List tokens, the newest first; not what they are."""
    acting = acting_owner(who, owner)
    found = await parts_of(request).registry.access_tokens.of(acting)
    return AccessTokensAnswer(access_tokens=[_told(each) for each in found])


@router.delete("/{token_id}", status_code=204)
async def revoke(
    request: Request, token_id: str, who: Keeper, owner: OwnerQuery = None
) -> Response:
    """Revoke a token: within seconds no service takes it any more."""
    acting, registry = acting_owner(who, owner), parts_of(request).registry
    if token_id not in {each.id for each in await registry.access_tokens.of(acting)}:
        raise HttpProblem(404, "unknown-access-token", "No such access token")
    await registry.revoke_access_token(token_id)
    fields = {"credential": token_id, "owner": acting, "address": address_of(request)}
    audit.record("access-token.revoke", who.owner, **fields)
    return Response(status_code=204)


def _told(token: AccessToken) -> AccessTokenAnswer:
    return AccessTokenAnswer(
        id=token.id,
        name=token.name,
        scopes=list(token.scopes),
        created_at=rfc3339(token.created_at) or "",
        expires_at=rfc3339(token.expires_at),
        last_used_at=rfc3339(token.used_at),
    )
