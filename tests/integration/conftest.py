"""What tests of whole processes share."""

from surroundings import start_up

__all__ = ["start_up"]
