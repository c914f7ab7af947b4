"""Every suite runs over every adapter."""

from stores import kind, make, stores

__all__ = ["kind", "make", "stores"]
