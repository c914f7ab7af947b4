"""The file of caught mails: what is kept, and which of it is read."""

import os
from pathlib import Path

import pytest

from milepost_cli import mail_file
from milepost_cli.mail_file import NAME, MailFile, MailView


def read(folder: Path, limit: int | None) -> tuple[list[bytes], int]:
    view = MailView(folder, limit)
    try:
        return [line for lines in view.lines() for line in lines], view.total
    finally:
        view.close()


@pytest.mark.parametrize("block", [1, 2, 7, 64, 4096])
@pytest.mark.parametrize("limit", [None, 1, 2, 9, 10, 11])
def test_the_last_mails_are_read_oldest_first(
    block: int, limit: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_file, "BLOCK_BYTES", block)
    mails = [f"mail {number}".encode() * (number % 3 + 1) for number in range(10)]
    file = MailFile(tmp_path)
    for mail in mails:
        file.append(mail)
    assert read(tmp_path, limit) == (mails[-(limit or 10) :], 10)


def test_there_are_no_mails_before_the_first(tmp_path: Path) -> None:
    assert read(tmp_path, None) == ([], 0)
    MailFile(tmp_path)
    assert read(tmp_path, 5) == ([], 0)


def test_half_a_line_that_a_kill_left_is_neither_read_nor_continued(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"whole\nhal")
    assert read(tmp_path, None) == ([b"whole"], 1)
    MailFile(tmp_path).append(b"next")
    assert read(tmp_path, None) == ([b"whole", b"next"], 2)


def test_a_mail_that_the_disk_has_no_room_for_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = MailFile(tmp_path)
    file.append(b"first")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            file.append(b"second")
    file.append(b"third")
    assert read(tmp_path, None) == ([b"first", b"third"], 2)


def test_mails_that_come_while_somebody_reads_are_for_the_next_reader(tmp_path: Path) -> None:
    file = MailFile(tmp_path)
    file.append(b"first")
    view = MailView(tmp_path, None)
    file.append(b"second")
    assert [line for lines in view.lines() for line in lines] == [b"first"]
    view.close()


def test_only_the_owner_may_read_mails(tmp_path: Path) -> None:
    MailFile(tmp_path)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
