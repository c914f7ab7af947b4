"""The commands `login` and `logout`: make an access token, keep it, revoke it. Keep no password."""

import getpass
import json
import os
import platform
import sys
from typing import Annotated, Any

import httpx
import typer

from milepost.errors import ConfigurationError, NotSignedIn, RequestRefused, Unreachable
from milepost.exchanges import ANSWER_SECONDS, Answer, Ask, answered, refusal
from milepost.http_exchange import run
from milepost_cli.client import outcome
from milepost_cli.client.commands import DataDir, Json, Url, app
from milepost_cli.client.credentials import Credentials, Login
from milepost_cli.client.destination import Destination, destination, is_interactive

MOST_NAME_CHARS = 100


@app.command()
def login(
    username: Annotated[
        str | None, typer.Option(metavar="NAME", help="asked for when not given")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="read the password from standard input")
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="read a token made elsewhere, and keep that")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    data_dir: DataDir = None,
) -> int:
    """Sign in: makes an access token named after this machine, and keeps it for you alone."""
    at, credentials = destination(url, data_dir).url, Credentials()
    before = credentials.of(at)
    if token_stdin:
        found = _kept(at, sys.stdin.read().strip())
    else:
        name = username or _ask("Username: ")
        password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
        found = _signed_in(at, name, password)
    credentials.keep(found)
    if before is not None and before.id is not None:
        _revoke(before)  # it would stay good, and nobody would have it any more
    if as_json:
        _print(json.dumps({"url": at, "owner": found.owner, "token_id": found.id}))
    else:
        _print(f"signed in at {at} as {(found.owner or '').removeprefix('local:')}")
    return outcome.SUCCEEDED


@app.command()
def logout(as_json: Json = False, url: Url = None, data_dir: DataDir = None) -> int:
    """Sign out: revokes the access token and forgets it."""
    at, credentials = destination(url, data_dir).url, Credentials()
    found = credentials.of(at)
    if found is None:
        raise NotSignedIn(401, {"title": f"not signed in at {at}"})
    credentials.forget(at)
    revoked = found.id is not None and _revoke(found)
    if as_json:
        _print(json.dumps({"url": at, "revoked": revoked}))
    else:
        _print(f"signed out of {at}")
        if not revoked:
            outcome.complain("the token was forgotten here, but not revoked there")
    return outcome.SUCCEEDED


def _kept(url: str, token: str) -> Login:
    """A token made elsewhere, once it has proved good."""
    access = Destination(url, token).access()
    who = run(answered(Ask("submit", "GET", "/api/submit/session")), access)
    return Login(url, token, who["owner"])


def _signed_in(url: str, username: str, password: str) -> Login:
    """A session for as long as it takes to make a token that lasts.

    Raises:
        RequestRefused: one of its kinds.
        Unreachable: no answer.
    """
    name = f"milepost on {platform.node() or 'a machine'}"[:MOST_NAME_CHARS]
    try:
        with httpx.Client(
            base_url=url, headers={"Origin": _origin(url)}, timeout=ANSWER_SECONDS
        ) as http:
            account = {"username": username, "password": password}
            who = _good(http.post("/api/submit/session", json=account))
            try:
                made = _good(http.post("/api/submit/access-tokens", json={"name": name}))
            finally:
                http.delete("/api/submit/session")
    except httpx.TransportError as err:
        raise Unreachable(f"{url}: {err or type(err).__name__}") from err
    return Login(url, made["token"], who["owner"], made["id"])


def _good(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = answer.json()
    except ValueError as err:
        raise Unreachable(
            f"{answer.url.host} answered {answer.status_code}, not Milepost's"
        ) from err
    if answer.status_code >= 500:
        raise Unreachable(f"{answer.url.host} answered {answer.status_code}")
    if answer.status_code >= 400:
        raise refusal(Answer(answer.status_code, body))
    return body


def _revoke(login: Login) -> bool:
    """Revoke a token by itself; whether it is good for nothing any more."""
    path = f"/api/submit/access-tokens/{login.id}"
    access = Destination(login.url, login.token).access()
    try:
        run(answered(Ask("submit", "DELETE", path), pauses=()), access)
    except NotSignedIn:
        return True
    except (RequestRefused, Unreachable):
        return False
    return True


def _origin(url: str) -> str:
    """What our own page at this address would say it is: a session needs that."""
    at = httpx.URL(url)
    return f"{at.scheme}://{at.netloc.decode()}"


def _ask(prompt: str) -> str:
    if not is_interactive():
        raise ConfigurationError(
            "nobody to ask: --username NAME --password-stdin, or --token-stdin"
        )
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().rstrip("\n")


def _ask_password() -> str:
    if not os.isatty(0):
        raise ConfigurationError("nobody to ask for the password: --password-stdin")
    return getpass.getpass("Password: ", stream=sys.stderr)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
