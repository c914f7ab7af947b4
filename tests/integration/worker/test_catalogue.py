"""Workers tell submit which task types there are, also after Redis has forgotten it."""

import time
from typing import Any

from log_probe import LogProbe
from milepost import keys
from milepost_log import catalogue
from milepost_log.connection import connect
from surroundings import StartWorker
from waiting import wait_for


async def test_a_catalogue_that_got_lost_is_announced_again(
    log: LogProbe, valkey_url: str, namespace: str, start_worker: StartWorker
):
    start_worker()
    client: Any
    with connect(valkey_url) as client:

        def announced() -> bool:
            return "sample.noop" in catalogue.read_since(client, namespace, time.time() - 3600)

        wait_for(announced, "the announcement")
        client.delete(keys.catalogue(namespace))
        wait_for(announced, "the next announcement")
