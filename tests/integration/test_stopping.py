"""Stopping while people look on: streams and polls end in order, at once, without complaint."""

import threading
import time
from pathlib import Path

import httpx

from person import Person
from up_process import Up
from waiting import wait_for


def test_open_streams_and_polls_end_at_once_when_told_to_stop(tmp_path: Path):
    up = Up(tmp_path).until_ready()
    try:
        person = Person.signed_up(up.url)
        person.poll()
        ended: list[str] = []
        heard = threading.Event()

        def stream() -> None:
            with person.http.stream("GET", "/api/notify/notifications/stream") as answer:
                try:
                    for _ in answer.iter_bytes():
                        heard.set()
                    ended.append("stream")
                except httpx.TransportError as err:
                    ended.append(f"stream broke: {err}")

        def poll() -> None:
            query = {"since": person.cursor or "", "wait": 25}
            answer = person.http.get("/api/notify/notifications", params=query)
            ended.append(f"poll {answer.status_code}")

        watchers = [threading.Thread(target=stream), threading.Thread(target=poll)]
        for watcher in watchers:
            watcher.start()
        wait_for(heard.is_set, "the stream has begun")
        began = time.monotonic()
        assert up.stop() == 0
        for watcher in watchers:
            watcher.join(5)
        assert sorted(ended) == ["poll 200", "stream"]
        assert time.monotonic() - began < 10
        log = (up.data / "logs" / "web.log").read_text()
        assert "ERROR" not in log, log
        assert "Traceback" not in up.complained
    finally:
        up.close()
