"""Owns who a storm's people are: a secret mark, and credentials. Asks as them; judges nothing."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from milepost import tokens
from milepost.errors import Unreachable
from milepost_cli.storm.history import History
from milepost_cli.storm.records import Answered

ANSWER_SECONDS = 8.0
TOKEN_SECONDS = 6 * 3600.0
_MARK = "mark-{run}-{number}-"


@dataclass(frozen=True, slots=True)
class Owner:
    """One of them, by number; everything of theirs carries the mark, and nothing of others'."""

    number: int
    mark: str
    headers: dict[str, str] = field(repr=False)


class Asking:
    """Sends requests, and records every answer with the marks that are in it."""

    def __init__(self, http: httpx.AsyncClient, url: str, history: History, run: str) -> None:
        """`run` is this storm's own random word: older storms' marks are none of ours."""
        self.http, self.history = http, history
        self._url = url.rstrip("/")
        self._marks = re.compile(_MARK.format(run=re.escape(run), number="([0-9]+)"))

    async def ask(
        self,
        owner: Owner,
        call: str,
        method: str,
        path: str,
        *,
        task: str = "",
        seconds: float = ANSWER_SECONDS,
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response | None:
        """One request; null where no answer came within `seconds`."""
        began = self.history.now()
        try:
            answer = await self.http.request(
                method, self.url(path), headers=owner.headers | (headers or {}),
                timeout=seconds, **content,
            )  # fmt: skip
        except httpx.TransportError:
            self.answered(owner, call, 0, began, frozenset(), task)
            return None
        self.answered(owner, call, answer.status_code, began, self.marks(answer.text), task)
        return answer

    def url(self, path: str) -> str:
        """The address of a path."""
        return self._url + path

    def answered(
        self,
        owner: Owner,
        call: str,
        status: int,
        began: float,
        marks: frozenset[int],
        task: str = "",
    ) -> None:
        """Record an answer."""
        now = self.history.now()
        self.history.add(Answered(now, owner.number, call, status, now - began, marks, task))

    def marks(self, text: str) -> frozenset[int]:
        """The owners whose mark is in a text."""
        return frozenset(map(int, self._marks.findall(text)))


def minted(run: str, number: int, secret: str) -> Owner:
    """An owner of a deployment whose secret we share."""
    name = f"storm {run} {number}"
    token = tokens.mint(name, secret, now=time.time(), ttl_seconds=TOKEN_SECONDS)
    mark = _MARK.format(run=run, number=number)
    return Owner(number, mark, {"Authorization": f"Bearer {token}"})


async def signed_up(
    http: httpx.AsyncClient, url: str, run: str, number: int, password: str
) -> Owner:
    """An owner with a new account, signed in.

    Raises:
        Unreachable: accounts cannot be made there.
    """
    account = {"username": f"storm-{run}-{number}", "password": password}
    origin = {"Origin": url}
    try:
        made = await http.post(f"{url}/api/submit/accounts", json=account, headers=origin)
        session = await http.post(f"{url}/api/submit/session", json=account, headers=origin)
    except httpx.TransportError as err:
        raise Unreachable(f"{url} does not answer") from err
    if made.status_code != 201 or session.status_code != 200:
        raise Unreachable(
            f"{url} lets nobody sign up ({made.status_code}): set MILEPOST_SECRET to its secret"
        )
    cookie = session.headers["set-cookie"].partition(";")[0]
    http.cookies.clear()  # each sends its own
    mark = _MARK.format(run=run, number=number)
    return Owner(number, mark, origin | {"Cookie": cookie})
