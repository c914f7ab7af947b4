"""Owns the audit trail: who did what that others may have to answer for, one line each.

Lines of the logger `milepost.audit`, at INFO. No secret, no payload, no exception text.
"""

import logging

_log = logging.getLogger("milepost.audit")


def record(action: str, by: str, **fields: object) -> None:
    """Write one line.

    Args:
        action: what was done, such as `admin.tasks.cancel`.
        by: who did it: an owner, or the subject of a token.
        fields: what it was done to; null ones are left out.
    """
    said = {name: value for name, value in fields.items() if value is not None}
    _log.info("audit", extra={"action": action, "by": by, **said})
