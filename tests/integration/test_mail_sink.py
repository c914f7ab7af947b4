"""The embedded mail sink as mail servers' clients see it."""

import asyncio
import json
import smtplib
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from milepost_cli.mail_file import NAME
from milepost_cli.mail_sink import serve

TEXT = "Subject: x\r\n\r\nhi\r\n"


@pytest_asyncio.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """Run a sink that keeps its mails in the test's folder."""
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(serve(listening, tmp_path))
    yield listening.getsockname()[1]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    listening.close()


async def send(port: int, *recipients: str, text: str = TEXT) -> dict[str, tuple[int, bytes]]:
    """Send one mail over a connection of its own; the recipients that were refused."""

    def run() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
            try:
                return server.sendmail("a@x.test", recipients, text.encode(), ["SMTPUTF8"])
            except smtplib.SMTPRecipientsRefused as err:
                return err.recipients

    return await asyncio.to_thread(run)


def kept(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / NAME).read_bytes().splitlines()]


async def test_an_accepted_mail_is_in_the_file_when_the_answer_comes(
    port: int, tmp_path: Path
) -> None:
    assert await send(port, "b@x.test", "jürgen@x.test") == {}
    (mail,) = kept(tmp_path)
    assert (mail["from"], mail["to"]) == ("a@x.test", ["b@x.test", "jürgen@x.test"])
    assert (mail["subject"], mail["body"]) == ("x", "hi")


@pytest.mark.parametrize("address", ["refused@x.test", "REFUSED+7@x.test", "x@refused.test"])
async def test_some_names_are_refused_for_good(port: int, tmp_path: Path, address: str) -> None:
    for _ in range(2):
        refused = await send(port, "b@x.test", address)
        assert {name: code for name, (code, _) in refused.items()} == {address: 550}
    assert [mail["to"] for mail in kept(tmp_path)] == [["b@x.test"]] * 2


@pytest.mark.parametrize("address", ["later@x.test", "later+7@x.test", "x@later.test"])
async def test_some_names_are_accepted_the_second_time(
    port: int, tmp_path: Path, address: str
) -> None:
    assert (await send(port, address))[address][0] == 450
    assert await send(port, address) == {}
    assert [mail["to"] for mail in kept(tmp_path)] == [[address]]


def crlf(body: str) -> str:
    return f"\n{body}".replace("\n", "\r\n")


async def test_mails_of_many_connections_are_all_kept_whole(port: int, tmp_path: Path) -> None:
    bodies = {f"{number}\n" + "x\n" * 5000 * number for number in range(20)}
    await asyncio.gather(*(send(port, "b@x.test", text=crlf(body)) for body in bodies))
    assert {mail["body"] + "\n" for mail in kept(tmp_path)} == bodies
