"""Owns watching what a request makes our stores do: Redis commands and SQL statements in order."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from valkey_cluster import administrator

END = "the end of what is watched"


class Steps(list[str]):
    """What was done."""

    def about(self, name: str) -> list[str]:
        """The steps that name something, an id say, with the name taken out."""
        return [step.replace(name, "<name>") for step in self if name in step]


@contextmanager
def steps(url: str, namespace: str) -> Generator[Steps]:
    """Note every command on this namespace's keys and every SQL statement within the block."""
    noted = Steps()

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        noted.append(f"{' '.join(statement.split())} {parameters}")

    event.listen(Engine, "before_cursor_execute", note)
    with administrator(url) as client, client.monitor() as monitor:
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
