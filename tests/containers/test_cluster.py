"""The profile `cluster`: the log on three nodes, of which one may be away."""

from typing import Any
from uuid import uuid4

import pytest
from redis.crc import key_slot

from compose_stack import Stack
from milepost.keys import PartitionKeys
from milepost.owners import partition_of
from person import Person
from waiting import wait_for

pytestmark = pytest.mark.timeout(1800)  # the first to ask for the stack waits for the builds too
NODES = ("valkey", "valkey-2", "valkey-3")
PARTITIONS = 16
SECONDS = 180


def log_of(name: str) -> str:
    """The key of the log that a person's tasks are in."""
    return PartitionKeys("mp", partition_of(f"local:{name}", PARTITIONS)).log


def node_of(name: str) -> str:
    """The node that has it: each has a third of the slots (cluster.sh)."""
    return NODES[key_slot(log_of(name).encode()) // 5462]


def people(stack: Stack) -> dict[str, Person]:
    """Somebody at each node."""
    found: dict[str, Person] = {}
    while len(found) < len(NODES):
        name = f"p{uuid4().hex[:10]}"
        if node_of(name) not in found:
            found[node_of(name)] = Person.signed_up(stack.url, name)
    return found


def send(person: Person, subject: str) -> dict[str, Any]:
    """Send a mail and see its end."""
    task = person.submit("mail.send", to=["bob@x.test"], subject=subject, body="b")
    person.follow_to_end(task, seconds=SECONDS)
    return person.tasks[task]


def ask(stack: Stack, node: str, *command: str) -> str:
    """What a node answers Milepost's own user."""
    client = ("valkey-cli", "--no-auth-warning", "--user", "milepost", *command)
    return stack.compose("exec", "--no-TTY", node, *client)


def nodes_of(stack: Stack, node: str) -> list[str]:
    """What a node says of all nodes, to the user who makes the cluster: Milepost's may not ask."""
    command = 'REDISCLI_AUTH="operator $VALKEY_PASSWORD" valkey-cli --user operator cluster nodes'
    return stack.compose("exec", "--no-TTY", node, "sh", "-c", command).splitlines()


def id_of(stack: Stack, node: str) -> str:
    """What the others know it by."""
    lines = nodes_of(stack, node)
    return next(line.split()[0] for line in lines if "myself" in line)


def has_failed(stack: Stack, node_id: str) -> bool:
    """Whether the first node takes it for gone."""
    lines = [line.split() for line in nodes_of(stack, "valkey")]
    return any(
        flags for name, _, flags, *_ in lines if name == node_id and "fail" in flags.split(",")
    )


@pytest.fixture(scope="module")
def complaints(cluster: Stack) -> list[str]:
    """What logs complained of until everybody's first mail had arrived."""
    for node, person in people(cluster).items():
        assert send(person, f"by {node}")["progress"] == 100
        # Any other node would say that it is elsewhere.
        assert int(ask(cluster, node, "xlen", log_of(person.name))) >= 3
    assert {f"by {node}" for node in NODES} <= set(cluster.mails())
    return cluster.complaints()


@pytest.fixture
def stack(cluster: Stack, complaints: object) -> Stack:
    """The running stack, with all of it well."""
    cluster.wait_until_well()
    return cluster


def test_a_mail_of_everybody_arrives_whichever_node_it_is_at(complaints: list[str]) -> None:
    assert complaints == []


def test_after_a_kill_of_a_node_it_goes_on_by_itself(stack: Stack) -> None:
    everybody = people(stack)
    running = {node: p.submit("demo.steps", steps=20, seconds=3) for node, p in everybody.items()}
    restarts = stack.the("valkey-2")["RestartCount"]
    stack.kill("valkey-2")
    for node, person in everybody.items():
        assert send(person, f"{node} after a kill")["progress"] == 100
    stack.wait_until_back("valkey-2", restarts, SECONDS)
    for node, person in everybody.items():
        person.follow_to_end(running[node], seconds=SECONDS)
        assert person.tasks[running[node]]["status"] == "succeeded"
    errors = [line for line in stack.logs().splitlines() if '"level": "ERROR"' in line]
    assert errors == []


def test_while_a_node_is_away_the_others_people_are_served(stack: Stack) -> None:
    everybody = people(stack)
    unlucky, gone = everybody.pop("valkey-3"), id_of(stack, "valkey-3")
    stack.compose("stop", "valkey-3")
    try:
        wait_for(lambda: has_failed(stack, gone), "it is missed", SECONDS)
        for node, person in everybody.items():
            assert send(person, f"{node} without valkey-3")["progress"] == 100
        body = {"type": "demo.steps", "params": {"steps": 1, "seconds": 0}}
        answer = unlucky.http.post("/api/submit/tasks", json=body)
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
    finally:
        stack.compose("start", "valkey-3")
    stack.wait_until_well()
    wait_for(lambda: not has_failed(stack, gone), "it is there again", SECONDS)
    assert send(unlucky, "valkey-3 is back")["progress"] == 100


def test_stopped_and_started_elsewhere_the_nodes_find_each_other(stack: Stack) -> None:
    """Down and up again, without its data: the engine gives addresses as it likes."""
    person = people(stack)["valkey-2"]
    before = send(person, "before")["id"]
    stack.compose("down", "--timeout", "10")
    for node in reversed(NODES):
        stack.compose("up", "--detach", "--no-build", "--pull", "never", "--no-deps", node)
    stack.up()
    again = Person.signed_in(stack.url, person.name)
    send(again, "after")
    assert again.tasks[before]["status"] == "succeeded"
    for node, other in people(stack).items():
        assert send(other, f"{node} elsewhere")["progress"] == 100
