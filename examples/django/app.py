"""A shop whose people have invoices printed in the background, and watch it. Django in one file."""

import os
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import format_html
from django.views.decorators.http import require_POST

import milepost

MILEPOST = os.environ.get("MILEPOST_PUBLIC_URL") or "http://127.0.0.1:8000"

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DEBUG=False,
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("DJANGO_SECRET") or os.urandom(32).hex(),
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()

PAGE = """<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>Shop</title>
  <h1>Shop</h1>
  {}
</html>
"""
SIGNED_OUT = """
  <form method="post" action="/login">
    <input type="hidden" name="csrfmiddlewaretoken" value="{csrf}">
    <label>Name <input name="username" required></label> <button>Sign in</button>
  </form>
"""
SIGNED_IN = """
  <p>Hello {username}.</p>
  <form method="post" action="/print">
    <input type="hidden" name="csrfmiddlewaretoken" value="{csrf}">
    <label>Month <input name="month" value="May" required></label> <button>Print invoices</button>
  </form>
  <milepost-tasks><p slot="empty">Nothing is being printed.</p></milepost-tasks>
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


def index(request: HttpRequest) -> HttpResponseBase:
    """The page, with the tasks of whoever is signed in."""
    username = request.session.get("username")
    body = SIGNED_IN if username else SIGNED_OUT
    facts = {"username": username, "csrf": get_token(request), "milepost": MILEPOST}
    return HttpResponse(format_html(PAGE, format_html(body, **facts)))


@require_POST
def login(request: HttpRequest) -> HttpResponseBase:
    """Sign in; a real shop asks for a password here."""
    request.session["username"] = request.POST["username"]
    return redirect("/")


@require_POST
def print_invoices(request: HttpRequest) -> HttpResponseBase:
    """Submit the task by its name: the shop need not import what its workers run."""
    username = request.session.get("username")
    if not username:
        return HttpResponse(status=401)
    try:
        milepost.submit("shop.invoices", {"month": request.POST["month"]}, owner=username)
    except milepost.InvalidRequest as err:
        return HttpResponse(str(err), status=400, content_type="text/plain")
    return redirect("/")


def token(request: HttpRequest) -> HttpResponseBase:
    """What the page may read with: the tasks of whoever is signed in, for 15 minutes."""
    username = request.session.get("username")
    if not username:
        return HttpResponse(status=401)
    return HttpResponse(milepost.token(username), content_type="text/plain")


urlpatterns = [
    path("", index),
    path("login", login),
    path("print", print_invoices),
    path("milepost-token", token),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
