"""Owns the form of what people send about themselves: accounts, sessions, access tokens. No I/O."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from milepost.whole import WHOLE
from milepost_service.described import LINE, USERNAME
from milepost_service.strict_model import Body
from milepost_submit.requests import Owner, printable

MAX_TOKEN_SECONDS = 10 * 365 * 24 * 3600


class Credentials(Body):
    """A username and its password."""

    username: Annotated[str, Field(max_length=1000)]
    password: Annotated[str, Field(max_length=4096)]


class NewAccount(Credentials):
    """What somebody chooses; `usernames` judges it."""

    username: Annotated[
        str,
        Field(max_length=1000),
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, **USERNAME}),
    ]
    password: Annotated[
        str,
        Field(max_length=4096),
        WithJsonSchema(
            {"type": "string", "format": "password", "minLength": 12, "maxLength": 1024}
        ),
    ]


class PasswordChange(Body):
    """A new password, and the one until now."""

    current: Annotated[str, Field(max_length=4096)]
    new: Annotated[
        str,
        Field(max_length=4096),
        WithJsonSchema(
            {"type": "string", "format": "password", "minLength": 12, "maxLength": 1024}
        ),
    ]


class SessionAnswer(BaseModel):
    """Who is signed in."""

    username: str
    owner: str


class OpenSession(BaseModel):
    """A browser in which somebody is signed in."""

    id: str
    created_at: str
    """When it was signed in."""
    last_used_at: str
    """Give or take an hour."""
    expires_at: str
    """If it is not used any more before."""
    current: bool
    """It is the one that asks."""


class SessionsAnswer(BaseModel):
    """Sessions of one owner, the newest first."""

    sessions: list[OpenSession]


class AccessTokenRequest(Body):
    """A personal access token to be made."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=100, json_schema_extra={**LINE}),
        AfterValidator(printable),
    ]
    """For its owner to know it by."""
    scopes: Annotated[
        list[Literal["tasks:read", "tasks:write", "service", "admin"]],
        Field(min_length=1, max_length=4),
    ] | None = None  # fmt: skip
    """Null: `tasks:read` and `tasks:write`; others only whoever has them."""
    expires_in_seconds: Annotated[int, Field(ge=1, le=MAX_TOKEN_SECONDS), WHOLE] | None = None
    """Null: never by itself."""
    owner: Owner | None = None
    """Null: the caller. Another needs the scope `service`."""


class AccessTokenAnswer(BaseModel):
    """What may be told of a personal access token."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    """To the minute; null: never used."""


class NewAccessTokenAnswer(AccessTokenAnswer):
    """A personal access token that has just been made."""

    token: str
    """Itself; nobody can find it out again."""


class AccessTokensAnswer(BaseModel):
    """Personal access tokens of one owner, the newest first."""

    access_tokens: list[AccessTokenAnswer]
