"""Which slot a key is in, and what a node's answer to CLUSTER SLOTS says."""

from typing import Any

import pytest

from milepost.errors import InvalidValue
from milepost.keys import PartitionKeys
from milepost_log.slots import SLOTS, Address, read_slots, slot_of

ASKED = Address("10.0.0.1", 7000)


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        ("123456789", 0x31C3),  # the check value of CRC16/XMODEM
        ("foo", 12182),
        ("{foo}bar", 12182),
        ("a{foo}b{bar}", 12182),
        ("{}foo", slot_of("{}foo")),
        ("", 0),
    ],
)
def test_slots_are_those_of_the_specification(key: str, slot: int):
    assert slot_of(key) == slot


def test_empty_or_open_braces_are_no_tag():
    assert slot_of("{}foo") != slot_of("{}bar")
    assert slot_of("{foo") != slot_of("{foo}")
    assert slot_of("foo}{bar}") == slot_of("bar")


def test_all_keys_of_a_partition_are_in_one_slot():
    for number in range(64):
        keys = PartitionKeys("mp", number)
        names = [
            keys.log, keys.meta, keys.delayed, keys.queues, keys.leases, keys.readers, keys.dead,
            keys.unclaimed, keys.queue("q{x}", "high"), keys.waiting("o", "q", "low"),
            keys.task("o", "{t}"), keys.owner("o"), keys.idempotency("o", "{k}"),
        ]  # fmt: skip
        assert {slot_of(name) for name in names} == {slot_of(keys.prefix)}


def test_sixteen_partitions_are_spread_over_the_slots():
    thirds = {slot_of(PartitionKeys("mp", number).log) * 3 // SLOTS for number in range(16)}
    assert thirds == {0, 1, 2}


def test_an_answer_gives_primaries_and_leaves_replicas_and_gaps_out():
    replica: list[Any] = [b"10.0.0.3", 7002, b"c", []]
    table = read_slots(
        [
            [0, 99, [b"10.0.0.2", 7001, b"a", []], replica],
            [200, SLOTS - 1, [b"", 7000, b"b", []]],
        ],
        ASKED,
    )
    assert table.primaries == (Address("10.0.0.2", 7001), ASKED)
    served = {key: table.primary_of(key) for key in ("", "foo")}
    assert served == {"": Address("10.0.0.2", 7001), "foo": ASKED}
    unserved = next(key for key in map(str, range(100_000)) if 100 <= slot_of(key) < 200)
    assert table.primary_of(unserved) is None


@pytest.mark.parametrize("host", [None, b"", b"?"])
def test_a_node_that_has_no_name_of_its_own_is_at_the_host_that_was_asked(host: bytes | None):
    table = read_slots([[0, SLOTS - 1, [host, 7005, b"a"]]], ASKED)
    assert table.primaries == (Address("10.0.0.1", 7005),)


@pytest.mark.parametrize("answer", [None, 7, [[1, 2]], [["a", 2, [b"h", 1]]], b"OK", [[0, 1, 5]]])
def test_what_is_no_answer_is_an_error(answer: object):
    with pytest.raises(InvalidValue):
        read_slots(answer, ASKED)
