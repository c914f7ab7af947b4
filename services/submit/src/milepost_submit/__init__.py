"""The one door for commands: validates, decides, appends atomically; answers no task query."""
