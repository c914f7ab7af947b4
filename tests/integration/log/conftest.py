"""What the tests of the log share."""

from surroundings import log, start_worker

__all__ = ["log", "start_worker"]
