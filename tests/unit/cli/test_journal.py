"""What is kept of a process' output, and what of it a person sees."""

import logging
from pathlib import Path

import pytest

from milepost import logs
from milepost_cli import journal
from milepost_cli.journal import Journal


def line(formatter: logging.Formatter, level: int, message: str) -> bytes:
    record = logging.LogRecord("milepost_x", level, "x.py", 1, message, (), None)
    record.task_id = "t"
    return formatter.format(record).encode() + b"\n"


@pytest.mark.parametrize("formatter", [logs.TextFormatter(), logs.JsonFormatter("web")])
def test_warnings_and_worse_are_shown_and_the_rest_is_not(
    formatter: logging.Formatter, tmp_path: Path
) -> None:
    output = b"".join(
        line(formatter, level, f"message {level}")
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    )
    shown = Journal(tmp_path / "x.log").feed(b"Traceback\n" + output + b"a print\n", 0.0)
    assert [text.split("message ")[1][:2] for text in shown] == ["30", "40", "50"]
    assert (tmp_path / "x.log").read_bytes() == b"Traceback\n" + output + b"a print\n"


def test_a_line_in_two_pieces_is_one_line(tmp_path: Path) -> None:
    whole = line(logs.TextFormatter(), logging.ERROR, "no good")
    log = Journal(tmp_path / "x.log")
    assert log.feed(whole[:20], 0.0) == []
    assert log.feed(whole[20:], 0.0) == [whole.decode().strip()]


def test_what_is_shown_cannot_steer_the_terminal(tmp_path: Path) -> None:
    bad = line(logs.TextFormatter(), logging.ERROR, "\x1b[2Jgone\r\x07")
    (shown,) = Journal(tmp_path / "x.log").feed(bad, 0.0)
    assert shown.isprintable()


def test_a_flood_is_shown_in_part_and_says_where_the_rest_is(tmp_path: Path) -> None:
    log = Journal(tmp_path / "x.log")
    one = line(logs.TextFormatter(), logging.WARNING, "again")
    shown = log.feed(one * 1000, 0.0)
    assert len(shown) == journal.SHOWN_PER_WINDOW + 1
    assert str(tmp_path / "x.log") in shown[-1]
    assert log.feed(one, 1.0) == []
    assert len(log.feed(one, journal.WINDOW_SECONDS)) == 1


def test_logs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 1000)
    log = Journal(tmp_path / "x.log")
    for number in range(1000):
        log.feed(b"%04d\n" % number * 10, 0.0)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"x.log", "x.log.1"}
    assert all(size <= 1050 for size in sizes.values())
    assert (tmp_path / "x.log").read_bytes().endswith(b"0999\n")


def test_the_last_line_explains_the_end(tmp_path: Path) -> None:
    log = Journal(tmp_path / "x.log")
    log.feed(b"first\nmilepost: no such thing\n\n", 0.0)
    assert log.last_line() == "no such thing"
    log.feed(b"unfinished", 0.0)
    assert log.last_line() == "unfinished"
    log.begin()
    assert log.last_line() == ""


@pytest.mark.parametrize(
    ("last", "explanation"),
    [
        (b"12:00:00.000 INFO    x all is well\n", ""),
        (b"12:00:00.000 ERROR   x it broke\n", "x it broke"),
        (b'{"level": "INFO", "message": "all is well"}\n', ""),
        (b'{"level": "ERROR", "message": "no"}\n', '{"level": "ERROR", "message": "no"}'),
        (b"Traceback\n  File\nKeyError: 'x'\n", "KeyError: 'x'"),
    ],
)
def test_only_a_line_that_tells_of_trouble_explains_anything(
    tmp_path: Path, last: bytes, explanation: str
) -> None:
    log = Journal(tmp_path / "x.log")
    log.feed(b"ValueError: long ago\n" + last, 0.0)
    assert log.last_line() == explanation


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log = Journal(tmp_path / "missing" / "x.log")
    shown = log.feed(line(logs.TextFormatter(), logging.ERROR, "still here"), 0.0)
    assert len(shown) == 1
