"""What the tests of workers share."""

from surroundings import log, start_worker

__all__ = ["log", "start_worker"]
