"""Owns asking the mail server whether it is there. Sends nothing, signs in nowhere."""

import smtplib
from urllib.parse import urlsplit

from milepost_cli.doctor.finding import Finding

SECONDS = 3.0
_PORTS = {"smtps": 465}


def of_mail(smtp_url: str) -> Finding:
    """Whether the server of MILEPOST_SMTP_URL answers as one."""
    url = urlsplit(smtp_url)
    host = url.hostname or "localhost"
    try:
        port = url.port or _PORTS.get(url.scheme, 25)
        made = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
        with made(host, port, timeout=SECONDS) as connection:
            connection.noop()
    except (OSError, ValueError) as err:  # every SMTPException is one too
        says = f"{host} does not answer: {type(err).__name__}: {err}"
        return Finding(
            "mail", "fail", says, "see MILEPOST_SMTP_URL; mails wait and are tried again"
        )
    return Finding("mail", "ok", f"{host}:{port} answers")
