"""Owns how an origin is written, as browsers send it (RFC 6454). No I/O."""

import re

_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def normal_origin(text: str) -> str:
    """The origin as a browser writes it: lower case, without its scheme's own port.

    Raises:
        ValueError: it is none.
    """
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ValueError(f"{text!r} is no origin: scheme://host or scheme://host:port")
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")
