"""What dramatiq's broker can do and ours refuses."""

import dramatiq
import pytest

from milepost.endings import Endings
from milepost.errors import Unsupported
from milepost_log.servers import open_servers
from milepost_log.work import WorkLog
from milepost_worker.broker import QUEUE, StreamBroker
from milepost_worker.jobs import Job, type_of
from milepost_worker.session import Session


@pytest.mark.parametrize("delay_ms", [None, 1000])
def test_nothing_is_enqueued_past_the_log(delay_ms: int | None) -> None:
    message = dramatiq.Message[None](
        queue_name=QUEUE, actor_name="sample.echo", args=(), kwargs={}, options={}
    )
    with open_servers("redis://127.0.0.1:1") as nowhere:
        session = Session(
            lambda: WorkLog(nowhere, "mp", "w", ["default"]),
            partitions=1,
            threads=1,
            lease_seconds=10,
            grace_seconds=10,
            max_log_lines=9,
            describe=lambda started, outbox: Job(started, type_of(started)),
        )
        broker = StreamBroker(session, Endings(max_result_bytes=100, chance=lambda: 0.5))
        with pytest.raises(Unsupported, match=r"milepost\.submit"):
            broker.enqueue(message, delay=delay_ms)
