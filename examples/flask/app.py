"""A blog whose people send mail and export their posts in the background, and watch it."""

import os

from flask import Flask, Response, abort, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

import milepost
from blog_tasks import export_posts

MILEPOST = os.environ.get("MILEPOST_PUBLIC_URL") or "http://127.0.0.1:8000"

app = Flask(__name__)
app.secret_key = os.environ.get("FLASK_SECRET") or os.urandom(32)
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


@app.get("/")
def index() -> str:
    """The page, with the tasks of whoever is signed in."""
    return render_template("index.html", username=session.get("username"), milepost=MILEPOST)


@app.post("/login")
def login() -> AnyResponse:
    """Sign in; a real blog asks for a password here."""
    session["username"] = request.form["username"]
    return redirect(url_for("index"))


@app.post("/send_mail")
def send_mail() -> AnyResponse:
    """Submit a mail; sending it is a task that Milepost has."""
    mail = {name: request.form[name] for name in ("subject", "body")}
    to = [address.strip() for address in request.form["to"].split(",")]
    try:
        milepost.submit("mail.send", {"to": to, **mail}, owner=username())
    except milepost.InvalidRequest as err:
        abort(422, str(err))
    return redirect(url_for("index"))


@app.post("/export_posts")
def export() -> AnyResponse:
    """Submit the task: once it is accepted, it runs to an end."""
    try:
        export_posts.submit(username=username(), owner=username())
    except milepost.TooMany:
        abort(429, "You have too many tasks under way.")
    return redirect(url_for("index"))


@app.get("/milepost-token")
def token() -> Response:
    """What the page may read with: the tasks of whoever is signed in, for 15 minutes."""
    return Response(milepost.token(username()), mimetype="text/plain")


def username() -> str:
    """Whoever is signed in."""
    return session.get("username") or abort(401)
