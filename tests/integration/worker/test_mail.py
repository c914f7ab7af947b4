"""mail.send over real SMTP: what is sent arrives as it was written, what is refused is listed."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, compat32
from typing import Any

import jsonschema_rs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import Envelope, Session

from log_probe import LogProbe
from milepost import Progress
from milepost_worker.tasks.mail import Mail, MailServer, send
from surroundings import StartWorker
from valkey_server import free_port

RECIPIENTS = 10_000


@dataclass
class Sink:
    """A mail server that refuses some and wants others later."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list[tuple[str, EmailMessage]])
    later: set[str] = field(default_factory=set[str])
    before_answer: Callable[[], None] = lambda: None
    """Called once a mail is received, before its sender hears so."""

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
        self.before_answer()
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


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_killed_in_the_middle_of_10_000_it_sends_one_mail_twice_at_most(
    sink: Sink, log: LogProbe, start_worker: StartWorker
):
    """Killed at the worst moment: the 5,000th mail is received, and nobody has heard so."""
    worker = start_worker(smtp_url=os.environ["MILEPOST_SMTP_URL"])

    def kill() -> None:
        if len(sink.received) == RECIPIENTS // 2:
            worker.send(signal.SIGKILL)
            worker.wait()
            start_worker(smtp_url=os.environ["MILEPOST_SMTP_URL"])

    sink.before_answer = kill
    to = [f"r{number}@x.test" for number in range(RECIPIENTS)]
    task = await log.create("mail.send", to=to, subject="s", body="b")
    await log.ended(task, seconds=300)
    assert log.types(task).count("started") == 2
    assert log.end_of(task) == "succeeded"
    got = Counter(address for address, _ in sink.received)
    assert got.keys() == set(to)
    assert {address for address, times in got.items() if times > 1} <= {to[RECIPIENTS // 2 - 1]}
    assert max(got.values()) <= 2


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


INJECTED = [
    "a@x.test\r\nBcc: victim@x.test", "a@x.test\nDATA", "a@x.test>\r\nRCPT TO:<victim@x.test",
    "a@x.test>", "<a@x.test>", "a@x.test,victim@x.test", "a,victim@x.test", "a;b@x.test",
    "Ann <a@x.test>", '"a\r\n"@x.test', "a\x00@x.test", "a\x7f@x.test", "a\u0085@x.test",
    "a\u2028@x.test", "a@x.test\x0b", "a@x.test SIZE=1", "a@[127.0.0.1]>", "a@[1]\r\nX: [1]",
]  # fmt: skip


@pytest.mark.parametrize("address", INJECTED, ids=repr)
def test_no_address_is_more_than_an_address(sink: Sink, address: str):
    """Refused by the schema; and where that were passed by, listed and not sent."""
    schema = jsonschema_rs.validator_for(send.announcement.params_schema, validate_formats=True)
    assert not schema.is_valid({"to": [address], "subject": "s", "body": "b"})
    message = Mail.model_construct(to=[address, "good@x.test"], subject="s", body="b")
    result = send.function(message, Progress())
    assert (result["sent"], result["refused_count"]) == (1, 1)
    assert "not an address" in result["refused"][0]["reason"]
    assert [to for to, _ in sink.received] == ["good@x.test"]


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: victim@x.test", "a\nBcc: victim@x.test", "a\rX: y", "a\r\n\r\nbody"]
)
def test_no_subject_is_more_than_a_subject(sink: Sink, subject: str):
    server = MailServer(os.environ["MILEPOST_SMTP_URL"])
    with pytest.raises(ValueError, match="linefeed"):
        server.send("from@x.test", "a@x.test", subject, "b")
    server.close()
    assert sink.received == []


@pytest.mark.parametrize(
    "subject",
    ["=?utf-8?q?=0D=0ABcc:_victim@x.test?=", "a =?utf-8?q?=0ABcc:_victim@x.test?= b",
     "=?utf-8?b?DQpCY2M6IHZpY3RpbUB4LnRlc3Q=?=", "Grüße =?utf-8?q?=0D=0AX:_y?=", "=?x", "?="],
)  # fmt: skip
def test_an_encoded_word_in_a_subject_is_just_text(sink: Sink, subject: str):
    """Python's EmailMessage writes such words out decoded: a header more."""
    mail(["a@x.test"], subject=subject)
    ((_, message),) = sink.received
    assert [name for name, _ in message.items() if name in ("Bcc", "X")] == []
    (raw,) = message.get_all("Subject") or []
    assert "\n" not in str(raw)
    if subject.startswith("Gr") or "=?utf" in subject:
        assert str(make_header(decode_header(raw_subject(message)))) == subject


def raw_subject(message: EmailMessage) -> str:
    """As it came over the wire."""
    head = message.as_bytes(policy=compat32)
    (line,) = [each for each in head.split(b"\n") if each.startswith(b"Subject:")]
    return line.decode().partition(":")[2].strip()


def test_an_encoded_word_is_no_address(sink: Sink):
    """Where the server is Python's aiosmtpd, it would decode it."""
    result = mail(["=?utf-8?q?=0D=0ABcc=3Av=40x?=@x.test"])
    assert "not an address" in result["refused"][0]["reason"]
    assert sink.received == []


def test_no_body_is_more_than_a_body(sink: Sink):
    body = (
        "Bcc: victim@x.test\r\nSubject: other\r\n\r\n.\r\nQUIT\r\n.\nMAIL FROM:<x@x.test>\r\n"
        "RCPT TO:<victim@x.test>\rDATA\n..\r\n"
    )
    mail(["a@x.test"], body=body)
    ((to, message),) = sink.received
    assert to == "a@x.test"
    assert message.get_all("To") == ["a@x.test"]
    assert message.get_all("Bcc") is None
    assert len(message.get_all("Subject") or []) == 1
    assert message.get_content().split() == body.split()
