"""Owns the seam to dramatiq: its threads, time limits and middleware run our queue's tasks.

dramatiq sees one queue, whose only consumer is the session; which stream an entry came from is the
session's business. Nothing is enqueued through dramatiq: commands go through submit.
"""

import logging
import time
from collections.abc import Iterable
from secrets import token_hex
from typing import Any

import dramatiq
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.middleware import Middleware, MiddlewareError, TimeLimit

from milepost import traces
from milepost.endings import Endings
from milepost.errors import Fail, TaskControl, Unsupported
from milepost_worker.jobs import Job
from milepost_worker.outcomes import outcome
from milepost_worker.session import Session

logger = logging.getLogger(__name__)

QUEUE = "milepost"


class StreamBroker(dramatiq.Broker):
    """A dramatiq broker whose messages are started jobs of a session."""

    def __init__(self, session: Session, endings: Endings) -> None:
        super().__init__(middleware=[TimeLimit(time_limit=float("inf"))])
        self.queues = {QUEUE}
        self._session = session
        self._endings = endings

    def emit_before(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """Run the middleware's hooks; only one before a task runs may prevent what it is before.

        dramatiq lets every MiddlewareError through: before an acknowledgement it would leave the
        task running for ever.
        """
        try:
            super().emit_before(signal, *args, **kwargs)
        except MiddlewareError:
            if signal == "process_message":
                raise
            logger.exception("a middleware raised where nothing can be refused")

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30_000) -> Consumer:
        """Give the session as a consumer; `timeout` in milliseconds."""
        return SessionConsumer(self._session, timeout / 1000, self._endings)

    def declare_queue(self, queue_name: str) -> None:
        """Nothing to declare: there is one queue."""

    def get_declared_queues(self) -> set[str]:
        """The one queue."""
        return {QUEUE}

    def get_declared_delay_queues(self) -> set[str]:
        """None: delayed tasks wait in Redis."""
        return set()

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> Any:
        """Refuse: a task is submitted through submit, where it becomes an event.

        Raises:
            Unsupported: always.
        """
        raise Unsupported("submit tasks by milepost.submit, not through dramatiq")


class SessionConsumer(Consumer):
    """Turns the session in dramatiq's consumer thread."""

    def __init__(self, session: Session, timeout_seconds: float, endings: Endings) -> None:
        self._session = session
        self._timeout_seconds = timeout_seconds
        self._endings = endings

    def __next__(self) -> MessageProxy | None:
        """The next started job as a message, or null after the timeout."""
        job = self._session.next_job(self._timeout_seconds)
        if job is None:
            return None
        return MessageProxy(
            dramatiq.Message(
                queue_name=QUEUE,
                actor_name=job.type_name,
                args=(job,),
                kwargs={},
                options={"owner": job.started.owner, "attempt": job.started.attempt},
                message_id=job.started.id,
            )
        )

    def ack(self, message: MessageProxy) -> None:
        """End the attempt; the session sends it with others, so this waits for nothing."""
        self._end(message, message._exception)  # pyright: ignore[reportPrivateUsage]  # dramatiq has no accessor

    def nack(self, message: MessageProxy) -> None:
        """End an attempt that dramatiq or a middleware refused to run."""
        self._end(message, message._exception or Fail("A worker's middleware refused it"))  # pyright: ignore[reportPrivateUsage]  # dramatiq has no accessor

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Nothing here: `Session.close` hands back all that is held."""

    def _end(self, message: MessageProxy, error: BaseException | None) -> None:
        job: Job = message.args[0]
        reference = token_hex(4)
        if isinstance(error, dramatiq.ActorNotFound):
            text = f"Nothing here does tasks of this kind any more ({job.type_name})"
            error = Fail(text, code="unknown_type")
        if error is not None and not isinstance(error, TaskControl):
            logger.error(
                "task failed",
                exc_info=error,
                extra={
                    "task_id": job.started.id,
                    "type": job.type_name,
                    "attempt": job.started.attempt,
                    "reference": reference,
                    **traces.ids(job.trace),
                },
            )
        try:
            ending = outcome(self._endings, job, error, reference=reference)
        except Exception as err:  # dramatiq would swallow it, and the attempt never end
            logger.exception("how a task ended cannot be told", extra={"task_id": job.started.id})
            ending = outcome(self._endings, job, RuntimeError(repr(err)), reference=reference)
        self._session.finished(job, ending)


class RunsOnce(Middleware):
    """Skips a job that was taken over, or given back, before its thread came to it."""

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Raise SkipMessage for an abandoned job."""
        job: Job = message.args[0]
        if not job.begin(time.monotonic()):
            raise dramatiq.middleware.SkipMessage("taken over")
