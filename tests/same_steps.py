"""Owns watching what a request makes our stores do: Redis commands and SQL statements in order."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from valkey_cluster import direct

END = "the end of what is watched"


class Steps(list[str]):
    """What was done, with the names of one request replaced, so that two requests compare."""

    def of(self, *names: str) -> list[str]:
        """The steps with `names` (ids, hashes) taken out."""
        found = list(self)
        for number, name in enumerate(names):
            found = [step.replace(name, f"<{number}>") for step in found]
        return found


@contextmanager
def steps(url: str, namespace: str) -> Generator[Steps]:
    """Note every command on this namespace's keys and every SQL statement within the block."""
    noted = Steps()

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        noted.append(f"{' '.join(statement.split())} {parameters}")

    event.listen(Engine, "before_cursor_execute", note)
    with direct(url) as client, client.monitor() as monitor:
        try:
            yield noted
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        client.echo(END)
        for told in monitor.listen():
            command = str(told["command"])
            if END in command:
                return
            if namespace in command and f"{namespace}:revoked" not in command:  # each second
                noted.append(command)
