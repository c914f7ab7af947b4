"""`./milepost storm`: drives load, breaks what it may, records every answer, judges the history."""
