"""The beats of a worker while a primary is away: the living hear the next one in time."""

from collections import Counter
from collections.abc import Sequence

from milepost.keys import PartitionKeys
from milepost_log.attempts import StartedTask
from milepost_log.heart import beat
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog

from .conftest import StartCluster

PARTITIONS = 16


class Noting(WorkLog):
    """Notes in which partitions it beats."""

    beaten: list[int]

    def beat(
        self, partition: int, running: Sequence[StartedTask] = ()
    ) -> tuple[dict[str, int], list[StartedTask]]:
        self.beaten.append(partition)
        return super().beat(partition, running)


def test_a_primary_that_fails_is_asked_once_a_beat_and_all_others_are_beaten_at(
    start_cluster: StartCluster, namespace: str
) -> None:
    cluster = start_cluster()
    logs = [PartitionKeys(namespace, number).log for number in range(PARTITIONS)]
    ((dead, count),) = Counter(map(cluster.primary_of, logs)).most_common(1)
    assert count > 1
    gone = {number for number, log in enumerate(logs) if cluster.primary_of(log) is dead}
    with open_servers(cluster.url) as servers:
        log = Noting(servers, namespace, "w1", ())
        log.beaten = []
        beat(log, range(PARTITIONS))
        assert log.beaten == list(range(PARTITIONS))
        dead.kill()
        log.beaten.clear()
        beat(log, range(PARTITIONS))
        assert len(gone.intersection(log.beaten)) == 1
        assert {*log.beaten} - gone == {*range(PARTITIONS)} - gone
