"""Kill anything while mails are under way: every task ends once, and nobody was told a lie."""

import json
import os
import random
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from person import Person
from up_process import Up, wait_for

MAILS, RECIPIENTS = 20, 50
TERMINAL = {"task.succeeded", "task.failed", "task.cancelled"}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path, "--port", "0", "--workers", "2", lease_seconds="2").until_ready()
    yield running
    running.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_mail_ends_once_whatever_is_killed(up: Up):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    person = Person.signed_up(up.url)
    print(f"seed {seed}")
    victims = ["web", "worker 1", "valkey", "web", "worker 2", "valkey", "worker 1"]
    dice.shuffle(victims)
    ids: list[str] = []
    for number in range(MAILS):
        to = [f"r{number}.{one}@x.test" for one in range(RECIPIENTS)]
        ids.append(person.submit("mail.send", to=to, subject=f"mail {number}", body="b"))
        if number % 3 == 2 and victims:
            kill(up, victims.pop(), dice)
    for victim in victims:
        kill(up, victim, dice)
        person.poll()
    person.follow_to_end(*ids, seconds=180)
    assert person.statuses() == {"succeeded": MAILS}
    for task in ids:
        types = [event["type"] for event in person.events(task)]
        assert sum(kind in TERMINAL for kind in types) == 1, types
    assert len(received(up)) == MAILS * RECIPIENTS
    wait_for(up.answers, "everything ready again")


def kill(up: Up, name: str, dice: random.Random) -> None:
    """SIGKILL one process, at a moment of the dice's choosing."""
    wait_for(lambda: name in up.children(), f"{name} is there")
    moment = time.monotonic() + dice.uniform(0, 0.5)
    wait_for(lambda: time.monotonic() >= moment, "the moment")
    pid = up.children().get(name)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def received(up: Up) -> set[str]:
    """Who got a mail, however often."""
    with urllib.request.urlopen(f"{up.url}/dev/mail?limit=10000", timeout=30) as answer:
        return {address for mail in json.load(answer)["mails"] for address in mail["to"]}
