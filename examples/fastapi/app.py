"""An album whose people have photos resized in the background, and watch it. With asyncio."""

import os
from html import escape
from typing import Annotated

from fastapi import Cookie, FastAPI, Form, HTTPException
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

import milepost
from album_tasks import resize

MILEPOST = os.environ.get("MILEPOST_PUBLIC_URL") or "http://127.0.0.1:8000"
PHOTOS = ["beach.jpg", "dog.jpg", "cake.jpg", "snow.jpg", "train.jpg"]
PAGE = """<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>Album</title>
  <h1>Album</h1>
  {}
</html>
"""
SIGNED_OUT = """
  <form method="post" action="/login">
    <label>Name <input name="username" required></label> <button>Sign in</button>
  </form>
"""
SIGNED_IN = """
  <p>Hello {username}.</p>
  <form method="post" action="/resize"><button>Resize photos</button></form>
  <milepost-tasks><p slot="empty">Nothing is being resized.</p></milepost-tasks>
  <script type="module">
    import {{ configure }} from "{milepost}/milepost.js";
    configure({{
      getToken: async () => {{
        const answer = await fetch("/milepost-token");
        return answer.ok ? answer.text() : null;
      }},
    }});
  </script>
"""

app = FastAPI()
Username = Annotated[str | None, Cookie()]


@app.get("/", response_class=HTMLResponse)
async def index(username: Username = None) -> str:
    """The page, with the tasks of whoever is signed in."""
    if username is None:
        return PAGE.format(SIGNED_OUT)
    return PAGE.format(SIGNED_IN.format(username=escape(username), milepost=MILEPOST))


@app.post("/login")
async def login(username: Annotated[str, Form()]) -> RedirectResponse:
    """Sign in; a real album asks for a password here, and signs its cookie."""
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie("username", username, httponly=True, samesite="lax")
    return answer


@app.post("/resize")
async def resize_photos(username: Username = None) -> RedirectResponse:
    """Submit the task: once it is accepted, it runs to an end."""
    await resize.asubmit(photos=PHOTOS, owner=signed_in(username))
    return RedirectResponse("/", status_code=303)


@app.get("/milepost-token", response_class=PlainTextResponse)
async def token(username: Username = None) -> str:
    """What the page may read with: the tasks of whoever is signed in, for 15 minutes."""
    return milepost.token(signed_in(username))


def signed_in(username: str | None) -> str:
    """Whoever is signed in."""
    if username is None:
        raise HTTPException(401)
    return username
