"""Takes work from the queues, runs it and appends what happened; serves no HTTP."""
