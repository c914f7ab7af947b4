"""Owns catching mail: an SMTP server on loopback that keeps what it accepts. Delivers nothing.

`python -m milepost_cli.mail_sink` as a child of `up` (see inherited.py). A mail is on the disk
before its 250 is sent, so it survives any kill; one whose 250 got lost may be there twice, as with
every SMTP server.

To try what happens when mail is refused, by the recipient (`+anything` may follow the local part):

| recipient | answer |
|---|---|
| `refused@...`, `...@refused.test` | 550, always |
| `later@...`, `...@later.test` | 450 the first time since the sink was started, then accepted |
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from milepost_cli import inherited
from milepost_cli.mail_file import MailFile
from milepost_cli.mails import decode

MAX_BYTES = 32 * 1024 * 1024


class Sink:
    """What the server asks about each mail."""

    def __init__(self, file: MailFile) -> None:
        self._file = file
        self._told_later: set[str] = set()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the recipient or not."""
        local, _, domain = address.lower().rpartition("@")
        names = {local.partition("+")[0], domain}
        if names & {"refused", "refused.test"}:
            return "550 5.1.1 No such recipient (the embedded sink refuses this name)"
        if names & {"later", "later.test"} and address not in self._told_later:
            self._told_later.add(address)
            return "450 4.2.1 Try again (the embedded sink accepts this name the second time)"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the mail, then say so."""
        content = envelope.content or b""
        mail = decode(
            content if isinstance(content, bytes) else content.encode(),
            envelope.mail_from or "",
            envelope.rcpt_tos,
            datetime.now(UTC),
        )
        try:
            self._file.append(json.dumps(mail, ensure_ascii=False).encode())
        except OSError as err:
            return f"452 4.3.1 Cannot keep it: {err.strerror}"
        return "250 OK"


async def serve(listening: socket.socket, folder: Path) -> None:
    """Catch mail until SIGTERM."""
    sink = Sink(MailFile(folder))
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def session() -> SMTP:
        options: dict[str, Any] = {"enable_SMTPUTF8": True, "data_size_limit": MAX_BYTES}
        return SMTP(sink, hostname="localhost", ident="Milepost sink", loop=loop, **options)

    server = await loop.create_server(session, sock=listening, backlog=128)
    await stopped.wait()
    server.close()


def main() -> int:
    """Serve on the inherited socket."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's, at every connection
    folder = Path(os.environ[inherited.MAIL_FOLDER])
    asyncio.run(serve(inherited.listening_socket(), folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
