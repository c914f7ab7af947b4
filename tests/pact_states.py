"""The states that pacts want providers in, made by real calls: one method for each.

Each makes somebody who was not there before, so that pacts may be verified one after the other, old
ones beside new ones. What a method returns takes the place of what a consumer's test had made up.
"""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from milepost import tokens
from milepost_service.sessions import SESSION_COOKIE
from pact_shapes import PARAMS, PARENT
from person import Person
from waiting import wait_for

State = dict[str, Any]
NOTHING: State = {}


class States:
    """Of a running Milepost; `headers` are the credentials of the one made last."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self.headers: dict[str, str] = {}

    def answer(self, body: bytes) -> bytes:
        """What pact's verifier asks, and what the state came to."""
        asked = json.loads(body)
        make: Callable[..., State] = getattr(self, asked["state"].replace(" ", "_"))
        return json.dumps(make(**asked.get("params", {}))).encode()

    def nobody_is_signed_in(self) -> State:
        """Somebody who may take a name."""
        self.headers.clear()
        return {"username": f"p{uuid4().hex[:10]}"}

    def somebody_has_an_account(self) -> State:
        """Signed up, and not in."""
        self.headers.clear()
        return {"username": Person.signed_up(self._url).name}

    def somebody_is_signed_in(self) -> State:
        """In a browser."""
        person = Person.signed_up(self._url)
        cookie = f"{SESSION_COOKIE}={person.http.cookies[SESSION_COOKIE]}"
        self._become({"Cookie": cookie, "Origin": self._url})
        (session,) = self._call("GET", "/api/submit/sessions")["sessions"]
        return {"cookie": cookie, "session_id": session["id"]}

    def somebody_has_an_access_token(self) -> State:
        """Made by `login`."""
        person = Person.signed_up(self._url)
        made = person.http.post("/api/submit/access-tokens", json={"name": "a machine"}).json()
        self._become({"Authorization": f"Bearer {made['token']}"})
        return {"token_id": made["id"], "token": made["token"]}

    def somebody_has_a_token(self, **claims: Any) -> State:
        """As applications make them for their users."""
        owner = f"ann-{uuid4().hex[:10]}"
        self._become(self._bearer(owner, **claims))
        return {"owner": owner}

    def an_application_acts(self, id: str | None = None) -> State:
        """For somebody whose task has succeeded, where an id is given."""
        state = self.there_is_a_task(id, "succeeded") if id else self.somebody_has_a_token()
        self._become(self._bearer("application", scopes=["service"]))
        return state

    def notify_asks(self) -> State:
        """In its own name."""
        self._become(self._bearer("milepost-notify", scopes=["service"]))
        return NOTHING

    def notify_asks_about_an_access_token(self) -> State:
        """That somebody has made."""
        return self.somebody_has_an_access_token() | self.notify_asks()

    def a_task_is_running(self) -> State:
        """The credentials are those by which the task itself submits."""
        owner = f"ann-{uuid4().hex[:10]}"
        self._become(self._bearer(owner, local=True, task=PARENT))
        return NOTHING

    def there_is_a_task(self, id: str, status: str) -> State:
        """One of type demo.steps, in this status; its revision, and a cursor after it."""
        self.somebody_has_a_token()
        waits = {} if status == "succeeded" else {"delay_seconds": 3600}
        made = self._call("POST", "/api/submit/tasks", {
            "id": id, "type": "demo.steps", "params": PARAMS, "title": "Steps", **waits,
        })  # fmt: skip
        if status == "cancelled":
            self._call("POST", f"/api/submit/tasks/{id}/cancel")
        path, task = f"/api/notify/tasks/{id}?at_least={made['revision']}", dict[str, Any]()

        def reached() -> bool:
            task.update(self._call("GET", path))
            return task["status"] == status

        wait_for(reached, f"a task that is {status}")
        return {"revision": task["revision"], "cursor": self._now(), "owner": task["owner"]}

    def there_is_a_closed_task(self, id: str) -> State:
        """It succeeded."""
        state = self.there_is_a_task(id, "succeeded")
        self._call("POST", f"/api/submit/tasks/{id}/dismiss")
        path = "/api/notify/tasks?status=dismissed"
        wait_for(lambda: self._call("GET", path)["tasks"], "a closed task")
        return state

    def a_task_is_cancelled_after_a_cursor(self, id: str) -> State:
        """The cursor before that."""
        state = self.there_is_a_task(id, "scheduled")
        self._call("POST", f"/api/submit/tasks/{id}/cancel")
        return state

    def _now(self) -> str:
        cursor = ""
        while True:
            news = self._call("GET", f"/api/notify/notifications?since={cursor}")
            cursor = news["cursor"]
            if not news["notifications"]:
                return cursor

    def _become(self, headers: dict[str, str]) -> None:
        self.headers.clear()
        self.headers.update(headers)

    def _bearer(self, owner: str, **claims: Any) -> dict[str, str]:
        token = tokens.mint(owner, self._secret, now=time.time(), **claims)
        return {"Authorization": f"Bearer {token}"}

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = httpx.request(
            method, self._url + path, json=body, headers=self.headers, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else NOTHING
