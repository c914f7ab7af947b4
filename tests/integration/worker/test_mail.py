"""mail.send over real SMTP: what is sent arrives as it was written, what is refused is listed."""

from collections.abc import Generator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import jsonschema_rs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import Envelope, Session

from milepost import Progress
from milepost_worker.tasks.mail import send
from valkey_server import free_port


@dataclass
class Sink:
    """A mail server that refuses some and wants others later."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list[tuple[str, EmailMessage]])
    later: set[str] = field(default_factory=set[str])

    async def handle_RCPT(  # aiosmtpd's name
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("refused"):
            return "550 not here"
        if address.startswith("later") and address not in self.later:
            self.later.add(address)
            return "450 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # aiosmtpd's name
        self, server: Server, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=SMTP)
        assert isinstance(message, EmailMessage)
        self.received.append((envelope.rcpt_tos[0], message))
        return "250 OK"


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    handler = Sink()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
    controller.start()
    monkeypatch.setenv("MILEPOST_SMTP_URL", f"smtp://127.0.0.1:{port}")
    yield handler
    controller.stop()


def mail(to: list[str], subject: str = "Hello", body: str = "Body") -> dict[str, Any]:
    progress = Progress()
    arguments = send.arguments({"to": to, "subject": subject, "body": body}, progress)
    return send.function(**arguments)


def test_a_mail_arrives_as_it_was_written(sink: Sink):
    body = "From here on\n.\n..dots\nGrüße 한글\n"
    result = mail(["a@x.test"], subject="Grüße 한글", body=body)
    assert result == {"sent": 1, "refused": [], "refused_count": 0}
    ((to, message),) = sink.received
    assert (to, message["To"], message["Subject"]) == ("a@x.test", "a@x.test", "Grüße 한글")
    assert message.get_content().replace("\r\n", "\n") == body


def test_whom_the_server_refuses_is_listed_and_the_others_get_theirs(sink: Sink):
    result = mail(["refused@x.test", "a@x.test", "later@x.test"])
    assert [to for to, _ in sink.received] == ["a@x.test", "later@x.test"]
    assert (result["sent"], result["refused_count"]) == (2, 1)
    assert result["refused"] == [{"address": "refused@x.test", "reason": "550 not here"}]


@pytest.mark.parametrize(
    "address", ["a@localhost", "jürgen@b.test", "a@münchen.test", "a@[127.0.0.1]"]
)
def test_an_address_the_schema_takes_is_the_server_s_to_judge(sink: Sink, address: str):
    schema = jsonschema_rs.validator_for(send.announcement.params_schema, validate_formats=True)
    assert schema.is_valid({"to": [address], "subject": "s", "body": "b"})
    assert mail([address])["sent"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"to": []},
        {"to": ["x"]},
        {"to": ["a b@x.test"]},
        {"to": ["a@x.test\nBcc: b@x.test"]},
        {"to": ["a@x.test"] * 10_001},
        {"subject": "a\nBcc: b@x.test"},
        {"subject": "a\u2028b"},
        {"subject": "a\u0085b"},
        {"subject": "x" * 501},
        {"body": None},
        {"cc": ["a@x.test"]},
    ],
)
def test_what_cannot_be_a_mail_is_refused_by_the_schema(params: dict[str, Any]):
    good = {"to": ["a@x.test"], "subject": "s", "body": "b"}
    schema = jsonschema_rs.validator_for(send.announcement.params_schema, validate_formats=True)
    assert schema.is_valid(good)
    assert not schema.is_valid({**good, **params})
