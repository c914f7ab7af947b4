"""Owns what a caught mail looks like to its reader: decoded fields. Pure: no file, no socket."""

import html
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TypedDict

Mail = TypedDict("Mail", {"from": str, "to": list[str], "subject": str, "body": str, "at": str})
"""`from` and `to` are the envelope's: what the server was told, whatever the headers claim.
`subject` is the decoded header, `body` the decoded text (the plain part where there are several)
without the newline that SMTP ends every text with, `at` when it was accepted: RFC 3339 UTC."""

STYLESHEET = "/dev/mail/style.css"
STYLE = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #8888; padding: .75rem 0; }
h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; color: GrayText; overflow-wrap: anywhere; }
pre { margin: .5rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
"""


def decode(content: bytes, sender: str, recipients: Sequence[str], at: datetime) -> Mail:
    """Decode a message as it came over SMTP; what cannot be decoded is given as it is.

    Args:
        content: headers and body.
        sender: of the envelope.
        recipients: of the envelope.
        at: when it was accepted, aware.
    """
    subject, body = _read(content)
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "from": _encodable(sender),
        "to": [_encodable(recipient) for recipient in recipients],
        "subject": _encodable(subject),
        "body": _encodable(body),
        "at": moment,
    }


def _read(content: bytes) -> tuple[str, str]:
    raw = content.decode("utf-8", "replace").replace("\r\n", "\n")
    try:
        message = message_from_bytes(content, policy=policy.default)
        subject = str(message.get("subject", ""))
        part = message.get_body(("plain", "html"))
        body = str(part.get_content()) if part is not None else raw.partition("\n\n")[2]
    except Exception:  # the standard parser's own faults on malformed mail are of many types
        return "", raw
    return subject, body.replace("\r\n", "\n").removesuffix("\n")


def _encodable(text: str) -> str:
    """Without the lone surrogates that undeclared bytes become."""
    return text.encode("utf-8", "replace").decode()


def page(mails: Iterable[Mail], total: int) -> str:
    """The mails as HTML: all text escaped, nothing inline that a strict CSP would refuse.

    Args:
        mails: oldest first; they are shown the other way round.
        total: how many there are in all.
    """
    shown = [_article(mail) for mail in mails][::-1]
    some = f"{total} mails" if len(shown) == total else f"The last {len(shown)} of {total} mails"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Caught mail</title>'
        f'<link rel="stylesheet" href="{STYLESHEET}"></head><body><h1>Caught mail</h1>'
        f"<p>{some}, newest first. None of them has left this machine.</p>"
        f"{''.join(shown)}</body></html>"
    )


def _article(mail: Mail) -> str:
    to = ", ".join(mail["to"])
    return (
        f"<article><h2>{html.escape(mail['subject'])}</h2>"
        f"<p>{html.escape(mail['from'])} to {html.escape(to)}, {html.escape(mail['at'])}</p>"
        f"<pre>{html.escape(mail['body'])}</pre></article>"
    )
