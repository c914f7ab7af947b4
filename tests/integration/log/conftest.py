"""What the tests of the log share."""

from surroundings import log

__all__ = ["log"]
