"""Owns mail.send: one message to each recipient over real SMTP. Knows no queue and no database."""

import logging
import smtplib
import time
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Annotated, Any
from urllib.parse import SplitResult, unquote, urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict, Field

from milepost.definitions import task
from milepost.errors import ConfigurationError
from milepost.progress import Progress
from milepost.settings import Settings

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 30.0
TRIES = 8
"""To reach the server, about 45 s in all: one that restarts is no reason to fail."""
LATER_TRIES = 4
"""For one recipient whom the server answers "try later": others wait behind."""
MAX_REFUSALS_SHOWN = 100

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"

_SPECIAL = r"\s@<>()\[\],;:\\\"\x00-\x1f\x7f-\x9f"
"""What separates, quotes or ends an address in SMTP or in a header."""

Address = Annotated[
    str,
    Field(
        max_length=320,
        pattern=rf"^[^{_SPECIAL}]+@([^{_SPECIAL}]+|\[[0-9A-Za-z.:]+\])$",
        json_schema_extra={"format": "idn-email"},
    ),
]


class Mail(BaseModel):
    """What mail.send shall send."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[list[Address], Field(min_length=1, max_length=10_000, description="Recipients")]
    subject: Annotated[str, Field(max_length=500, pattern=ONE_LINE, description="Subject")]
    body: Annotated[str, Field(max_length=200_000, description="Plain text")]


@task("mail.send", title="Send mail")
def send(mail: Mail, progress: Progress) -> dict[str, Any]:
    """Send one message to each recipient; the first 100 the server refuses are listed."""
    settings = Settings.load()
    tally: dict[str, Any] = progress.saved or {"done": 0, "refused": [], "refused_count": 0}
    total = len(mail.to)
    progress.report(done=tally["done"], total=total, message="sending")
    server = MailServer(settings.smtp_url)
    try:
        for address in mail.to[tally["done"] :]:
            try:
                server.send(settings.mail_from, _envelope(address), mail.subject, mail.body)
            except Refused as err:
                tally["refused_count"] += 1
                if len(tally["refused"]) < MAX_REFUSALS_SHOWN:
                    tally["refused"].append({"address": address, "reason": str(err)[:100]})
            tally["done"] += 1
            progress.save(tally)  # from here on no restart sends this one again
            progress.report(done=tally["done"], total=total)
    finally:
        server.close()
    return {
        "sent": total - tally["refused_count"],
        "refused": tally["refused"],
        "refused_count": tally["refused_count"],
    }


class Refused(Exception):
    """The mail server will not take a message for this recipient."""


class MailServer:
    """A connection to the mail server, made again when it breaks."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._connection: smtplib.SMTP | None = None

    def send(self, sender: str, recipient: str, subject: str, body: str) -> None:
        """Send one message, trying again over lost connections and "try later" answers.

        Raises:
            Refused: the server does not take it for this recipient.
            ValueError: a line break in a header.
            OSError: it could not be reached, or takes nothing from us.
        """
        raw = _message(sender, recipient, subject, body)
        for attempt in range(1, TRIES + 1):
            try:
                connection = self._connect()
                # Not send_message: it quotes lines that begin with "From ".
                options = () if recipient.isascii() else ("SMTPUTF8",)
                connection.sendmail(sender, [recipient], raw, options)
                return
            except smtplib.SMTPRecipientsRefused as err:
                code, text = err.recipients[recipient]
                failure: Exception = err
                if code >= 500 or attempt >= LATER_TRIES:
                    raise Refused(f"{code} {text.decode('utf-8', 'replace')}") from err
            except smtplib.SMTPDataError as err:
                failure = err
                if err.smtp_code >= 500 or attempt >= LATER_TRIES:
                    raise Refused(f"{err.smtp_code} {err.smtp_error!r}") from err
            except smtplib.SMTPNotSupportedError as err:
                raise Refused(str(err)) from err
            except OSError as err:  # every other SMTPException is one too
                failure = err
                self.close()
            if attempt == TRIES:
                raise OSError(f"the mail server: {failure}") from failure
            logger.warning("the mail server does not take it yet", extra={"attempt": attempt})
            time.sleep(min(15.0, 0.25 * 2**attempt))

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = _open(self._url)
        return self._connection


def _message(sender: str, recipient: str, subject: str, body: str) -> bytes:
    """The message as SMTP carries it.

    What people wrote into headers is written here: EmailMessage decodes encoded words in a value
    and writes them out decoded, so that `=?utf-8?q?=0D=0ABcc:...?=` in a subject were one more.

    Raises:
        ValueError: a line break in a header.
    """
    if "\r" in recipient + subject or "\n" in recipient + subject:
        raise ValueError("a linefeed or carriage return in a header")
    if not subject.isascii() or "=?" in subject:
        subject = Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message.set_content(body)
    rest = message.as_bytes(policy=SMTP if recipient.isascii() else SMTPUTF8)
    return f"To: {recipient}\r\nSubject: {subject}\r\n".encode() + rest


def _open(url: SplitResult) -> smtplib.SMTP:
    host, scheme = url.hostname or "localhost", url.scheme
    if scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=ANSWER_SECONDS)
    elif scheme in ("smtp", "smtp+starttls"):
        connection = smtplib.SMTP(host, url.port or 25, timeout=ANSWER_SECONDS)
    else:
        raise ConfigurationError(f"MILEPOST_SMTP_URL: unknown scheme {scheme!r}")
    if scheme == "smtp+starttls":
        connection.starttls()
    if url.username:
        connection.login(unquote(url.username), unquote(url.password or ""))
    return connection


def _envelope(address: str) -> str:
    """The address as SMTP wants it, its domain in ASCII; whether it exists the server says.

    Raises:
        Refused: it is none.
    """
    if "=?" in address:  # mail servers decode such words where they should not, line breaks and all
        raise Refused("not an address: an encoded word")
    # Below .test every domain is as good as another: `localhost` and `.local` are people's own.
    literal = address.endswith("]")
    try:
        found = validate_email(
            address if literal else f"{address}.test",
            check_deliverability=False,
            test_environment=True,
            allow_domain_literal=True,
        )
    except EmailNotValidError as err:
        raise Refused(f"not an address: {err}") from err
    checked = found.ascii_email or f"{found.local_part}@{found.ascii_domain}"
    return checked if literal else checked.removesuffix(".test")
