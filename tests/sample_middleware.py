"""dramatiq middleware that tests bring to real workers."""

import os
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Middleware, MiddlewareError, SkipMessage


class Ledger(Middleware):
    """Writes down what it hears of; `name` tells two apart."""

    name = "first"

    def note(self, hook: str, message: MessageProxy, *more: object) -> None:
        options = message.options
        words = (self.name, hook, message.actor_name, options["owner"], options["attempt"], *more)
        with Path(os.environ["MILEPOST_TEST_LEDGER"]).open("a") as book:
            book.write(" ".join(map(str, words)) + "\n")

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        self.note("before", message)

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: MessageProxy,
        *,
        result: Any | None = None,
        exception: BaseException | None = None,
    ) -> None:
        self.note("after", message, type(exception).__name__)

    def after_skip_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        self.note("skipped", message)


class Second(Ledger):
    name = "second"


second = Second()


class Skips(Middleware):
    """Skips what `sample.fail` would do."""

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        if message.actor_name == "sample.fail":
            raise SkipMessage("not today")


class Raises(Middleware):
    """Is faulty in every hook around a message."""

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        raise RuntimeError("before")

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: MessageProxy,
        *,
        result: Any | None = None,
        exception: BaseException | None = None,
    ) -> None:
        raise RuntimeError("after")

    def before_ack(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        raise MiddlewareError("ack")


class Refuses(Middleware):
    """Lets nothing run at its first attempt."""

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        if message.options["attempt"] == 1:
            raise MiddlewareError("secret reason")


class Forks(Middleware):
    """Wants a process of its own."""

    @property
    def forks(self) -> list[Any]:
        return [print]


def broken() -> Middleware:
    raise ValueError("no settings")
