"""What the doctor makes of what it found."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from histories import LOG_ID
from milepost.cursors import StreamId
from milepost_cli.doctor import disk_look, judgement
from milepost_cli.doctor.facts import BehindFacts, LogFacts, RedisFacts, SqlFacts
from milepost_cli.doctor.finding import Finding
from milepost_log.server_checks import Server
from milepost_notify.checkpoints import Checkpoint
from milepost_notify.folding import BEHIND

GOOD = Server(True, "always", "noeviction", 10_000_000, 0)
LOG = LogFacts(LOG_ID, 1, 0, frozenset({"w1"}), 0)
AT = Checkpoint(0, LOG_ID, 0, StreamId(5, 1))
CAUGHT_UP = BehindFacts(True, StreamId(1, 1), None)
TRIMMED = BehindFacts(False, StreamId(6, 1), None)
CUT = BehindFacts(False, StreamId(1, 1), None)
REDIS = RedisFacts(0.0, {0: LOG}, {"mail.send": 2.0}, frozenset({"mail.send"}))


def statuses(findings: Any) -> dict[str, str]:
    return {each.check: each.status for each in findings}


def each_has_a_remedy(finding: Finding) -> bool:
    return (finding.status == "ok") == (finding.remedy is None)


@pytest.mark.parametrize(
    ("change", "durability", "expected"),
    [
        ({}, "fsync", ("ok", "ok")),
        ({"appendfsync": "everysec"}, "fsync", ("fail", "ok")),
        ({"appendfsync": "everysec"}, "memory", ("warn", "ok")),
        ({"eviction": "allkeys-lru"}, "memory", ("fail", "ok")),
        ({"appendfsync": None}, "fsync", ("warn", "ok")),
        ({"max_bytes": 20_000_000}, "fsync", ("ok", "ok")),
        ({"max_bytes": 14_000_000}, "fsync", ("ok", "warn")),
        ({"max_bytes": 11_000_000}, "fsync", ("ok", "fail")),
    ],
)
def test_a_server_has_to_keep_what_it_is_given_and_to_have_room(
    change: dict[str, Any], durability: Any, expected: tuple[str, str]
):
    found = list(judgement.of_server("", replace(GOOD, **change), durability))
    assert (found[0].status, found[1].status) == expected
    assert all(map(each_has_a_remedy, found))


@pytest.mark.parametrize(
    ("ahead", "status"), [(0.1, "ok"), (-0.9, "ok"), (2, "warn"), (-2, "warn"), (11, "fail")]
)
def test_clocks_have_to_agree(ahead: float, status: str):
    assert judgement.of_clock(ahead).status == status


@pytest.mark.parametrize(
    ("log", "at", "behind", "expected"),
    [
        ({}, AT, CAUGHT_UP, ("ok", "0.0 s behind")),
        ({}, AT, replace(CAUGHT_UP, oldest_seconds=9), ("warn", "9 s behind")),
        ({}, AT, replace(CAUGHT_UP, oldest_seconds=99), ("fail", "99 s behind")),
        ({}, AT, CUT, ("fail", "tail was lost")),
        ({}, AT, TRIMMED, ("fail", "emptied or trimmed by somebody else")),
        ({}, AT, replace(CUT, first=None), ("fail", "emptied or trimmed by somebody else")),
        ({}, None, None, ("fail", "never projected")),
        ({"log_id": None}, None, None, ("warn", "no log yet")),
        ({"log_id": None}, AT, CAUGHT_UP, ("fail", "has lost its data")),
        ({"log_id": "ff" * 16}, AT, CAUGHT_UP, ("fail", "the read models were made from")),
        ({"partitions": 16}, AT, CAUGHT_UP, ("fail", "made with 16 partitions")),
    ],
)
def test_a_log_and_its_read_models_belong_together(
    log: dict[str, Any],
    at: Checkpoint | None,
    behind: BehindFacts | None,
    expected: tuple[str, str],
):
    found = judgement.of_partition(0, 1, replace(LOG, **log), at, behind)
    assert (found.check, found.status) == ("partition 0", expected[0])
    assert expected[1] in found.says
    assert each_has_a_remedy(found)


def test_what_has_no_beginning_waits_for_no_newer_code():
    parked = {"task.progressed of a task that was never created": 1}
    (found,) = judgement.of_parked(SqlFacts(parked=parked))
    assert "lost with a database" in (found.remedy or "")


@pytest.mark.parametrize(
    ("free_mib", "status"), [(0, "fail"), (63, "fail"), (64, "warn"), (1023, "warn"), (1024, "ok")]
)
def test_a_disk_without_room_is_told_before_and_when_it_is_full(free_mib: int, status: str):
    found = judgement.of_disk(".milepost", free_mib * 2**20)
    assert (found.check, found.status) == ("disk", status)
    assert each_has_a_remedy(found)


def test_of_a_folder_that_is_not_there_no_disk_is_looked_at(tmp_path: Path):
    assert disk_look.free_bytes(tmp_path / "none") is None
    assert disk_look.free_bytes(tmp_path)


def test_what_is_parked_is_told_reason_by_reason():
    found = list(judgement.of_parked(SqlFacts(parked={"newer": 2, "older": 7, BEHIND: 40})))
    assert [each.says for each in found] == [
        "7 events: older", "2 events: newer", "40 events behind those"
    ]  # fmt: skip
    assert {each.status for each in found} == {"warn"}
    assert statuses(judgement.of_parked(SqlFacts())) == {"parked": "ok"}


def test_a_schema_that_does_not_fit_is_told_with_the_remedy():
    found = list(judgement.of_schemas(SqlFacts(["it is old: run `milepost migrate`"])))
    assert found == [Finding("schema", "fail", "it is old", "run `milepost migrate`")]


def test_workers_have_to_live_and_to_take_what_is_offered():
    assert statuses(judgement.of_workers(REDIS, 30)) == {"workers": "ok", "task types": "ok"}
    none_waits = judgement.of_workers(REDIS, 30, {})
    assert "0 tasks queued" in next(none_waits).says
    more = replace(REDIS, announced=REDIS.announced | {"image.resize"})
    found = {each.check: each for each in judgement.of_workers(more, 30)}
    assert found["task types"].status == "warn"
    assert "image.resize" in found["task types"].says
    assert "mail.send" not in found["task types"].says
    assert "30 days" not in (found["task types"].remedy or "")
    waiting = {"image.resize": 1, "never.announced": 2000, "mail.send": 3}
    found = {each.check: each for each in judgement.of_workers(more, 30, waiting)}
    assert "2,004 tasks queued" in found["workers"].says
    assert found["task types"].says == (
        "no live worker takes never.announced (2,000 tasks wait), image.resize (1 task waits)"
    )
    forgotten = list(judgement.of_workers(replace(REDIS, announced=frozenset()), 30))
    assert [each.status for each in forgotten] == ["ok", "warn"]
    assert "the catalogue does not have" in forgotten[1].says
    assert all(map(each_has_a_remedy, forgotten))
    gone = replace(REDIS, offers={"mail.send": 31.0})
    assert statuses(judgement.of_workers(gone, 30)) == {"workers": "fail"}
    nobody = replace(gone, logs={0: replace(LOG, workers=frozenset())})
    assert statuses(judgement.of_workers(nobody, 30)) == {"workers": "warn"}
    assert judgement.of_dead(replace(REDIS, logs={0: replace(LOG, dead=3)})).status == "warn"
    assert judgement.of_dead(REDIS).status == "ok"
