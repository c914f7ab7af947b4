"""Owns how texts of ours are described in OpenAPI documents, so that what a document allows is
accepted. Checks nothing: who takes a text does."""

_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_BREAKS = r"\u2028\u2029"

CURSOR = {"pattern": "^[A-Za-z0-9._~-]{1,128}$", "format": "cursor"}
"""Opaque: one that was given, nothing else."""
NO_CURSOR_YET = {"pattern": "^[A-Za-z0-9._~-]{0,128}$", "format": "cursor"}
"""The same, or empty for none."""
OWNER = {"minLength": 1, "maxLength": 255, "pattern": f"^[^{_CONTROL}]*$"}
LINE = {"pattern": f"^[^{_CONTROL}{_BREAKS}]*[^{_CONTROL}{_BREAKS}\\s][^{_CONTROL}{_BREAKS}]*$"}
"""Text for people without line breaks, not white space alone."""
_NO_EDGE = f"[^{_CONTROL}{_BREAKS}\\s]"
USERNAME = {"pattern": f"^{_NO_EDGE}([^{_CONTROL}{_BREAKS}]*{_NO_EDGE})?$"}
"""The same, without outer white space."""
TASK_ID = {
    "format": "uuid",
    "pattern": (
        "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
    ),
}
"""A UUIDv7."""
NO_CONTROLS = f"^[^{_CONTROL}{_BREAKS}]*$"
"""A pattern that is checked, too."""
