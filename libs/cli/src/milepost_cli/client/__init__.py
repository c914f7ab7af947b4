"""The terminal client: a person's own tasks, over HTTP like any other client."""
