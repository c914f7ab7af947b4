"""Owns checking tokens, each once: who polls sends the same one all day. Knows no HTTP."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from milepost import tokens
from milepost.tokens import Caller

Clock = Callable[[], float]
"""Seconds since the epoch."""

_MOST = 2000
_MAX_TOKEN_CHARS = 2048
"""Larger tokens are checked each time, so that nobody fills the memory with them."""


class Verified:
    """Good tokens of late, by audience; until they expire, the least recently used go first."""

    def __init__(self, secrets: Sequence[str], clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._callers: OrderedDict[tuple[str, str], Caller] = OrderedDict()

    def caller(self, token: str, audience: str) -> Caller:
        """Whom a token proves.

        Raises:
            InvalidToken: nobody.
        """
        key, now = (audience, token), self._clock()
        known = self._callers.get(key)
        if known is not None and known.expires_at + tokens.LEEWAY_SECONDS > now:
            self._callers.move_to_end(key)
            return known
        self._callers.pop(key, None)
        who = tokens.verify(token, self._secrets, now=now, audience=audience)
        if len(token) <= _MAX_TOKEN_CHARS:
            self._callers[key] = who
            if len(self._callers) > _MOST:
                self._callers.popitem(last=False)
        return who
