"""RQ's no-op job, apart from what sends it: a worker that forks imports it for each job anew."""


def noop(told=""):
    """Do nothing, or say that it ran."""
    if told:
        import sending

        sending.tell(told)
