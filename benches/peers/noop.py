"""What RQ's workers import."""


def noop():
    """Do nothing."""
