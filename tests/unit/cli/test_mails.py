"""How a caught mail is decoded and shown."""

import json
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost_cli.mails import Mail, decode, page

AT = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=timezone(timedelta(hours=1)))


def decoded(content: bytes) -> Mail:
    return decode(content, "a@example.test", ["b@example.test"], AT)


@pytest.mark.parametrize("subject", ["Hello", "Grüße 🎉", "long " * 60, "日本語" * 30, ""])
@pytest.mark.parametrize("body", ["one", "ü\n\n.dot\n..two\nend", "x" * 2000, "日本\n" * 100, ""])
def test_what_was_written_is_what_is_read(subject: str, body: str) -> None:
    message = EmailMessage()
    message["Subject"] = subject.strip()
    message.set_content(body)
    mail = decoded(message.as_bytes().replace(b"\n", b"\r\n"))
    assert mail["subject"] == subject.strip()
    assert mail["body"] == body.removesuffix("\n")


def test_sender_and_recipients_are_the_envelopes() -> None:
    mail = decoded(b"From: x@example.test\r\nTo: y@example.test\r\n\r\nhi\r\n")
    assert mail["from"] == "a@example.test"
    assert mail["to"] == ["b@example.test"]


def test_the_time_is_utc_with_milliseconds() -> None:
    assert decoded(b"")["at"] == "2026-01-02T02:04:05.678Z"


def test_headers_in_plain_utf_8_are_read() -> None:
    assert decoded("Subject: Grüße\r\n\r\nhi\r\n".encode())["subject"] == "Grüße"


def test_the_plain_part_is_preferred() -> None:
    message = EmailMessage()
    message.set_content("plain")
    message.add_alternative("<p>html</p>", subtype="html")
    assert decoded(message.as_bytes())["body"] == "plain"


def test_a_character_set_that_nobody_knows_gives_the_text_as_it_is() -> None:
    mail = decoded(b'Content-Type: text/plain; charset="klingon"\r\n\r\nQapla\r\n')
    assert "Qapla" in mail["body"]


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode()))
def test_any_bytes_become_a_mail_that_json_can_hold(content: bytes) -> None:
    assert json.dumps(decoded(b"Subject: " + content), ensure_ascii=False).encode()
    assert json.dumps(decoded(content), ensure_ascii=False).encode()


def test_html_has_the_text_of_mails_only_escaped() -> None:
    bad = '<script>"&'
    mail: Mail = {"from": bad, "to": [bad, "c@d"], "subject": bad, "body": bad, "at": bad}
    shown = page([mail], 1)
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;&quot;&amp;") == 5


def test_html_says_when_it_does_not_show_all() -> None:
    mail = decode(b"", "", [], datetime.now(UTC))
    assert "1 mails" in page([mail], 1)
    assert "last 1 of 7 mails" in page([mail], 7)
