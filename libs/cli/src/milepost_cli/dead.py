"""Owns `milepost dead`: shows operators what nobody could read, tries it again, or removes it.
Decides nothing.

Exit status: 0; 1 when something could not be redriven or dropped, or Redis is away; 2 when asked
wrongly.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from milepost.errors import ConfigurationError, InvalidValue, LogUnavailable
from milepost.events import Actor
from milepost_cli import operating
from milepost_cli.printable import printable
from milepost_log.dead_letters import DeadLetter, DeadLetters
from milepost_log.servers import open_servers

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


_DONE = {"redrive": "redriven", "drop": "dropped"}
_HINT = (
    "put right what was wrong with them, then `./milepost dead redrive [ID...]`; "
    "`./milepost dead drop ID...` removes those that nobody needs"
)


def run(
    action: str | None,
    *,
    as_json: bool,
    data_dir: str | None,
    ids: Sequence[str] = (),
    everything: bool = False,
) -> int:
    """List dead letters, redrive some (none named: those of all queues), or drop some.

    Args:
        action: null: list them and say what can be done with them.
        everything: drop all of them.

    Returns:
        The exit status.
    """
    if action == "drop" and bool(ids) == everything:
        sys.stderr.write("milepost: `dead drop` takes ids, or --all\n")
        return 2
    try:
        settings = operating.settings(data_dir)
        with open_servers(settings.redis_url) as servers:
            letters = DeadLetters(servers, settings.namespace, settings.partitions)
            if action in (None, "list"):
                return _list(letters.all(), as_json=as_json, hint=action is None)
            if action == "drop":
                wanted = ids or [each.id for each in letters.all()]
                return _tell("drop", letters.drop(wanted), as_json=as_json)
            wanted = ids or [each.id for each in letters.all() if each.stream != "log"]
            return _tell("redrive", letters.redrive(wanted, _BY), as_json=as_json)
    except (ConfigurationError, InvalidValue) as err:
        sys.stderr.write(f"milepost: {err}\n")
        return 2
    except LogUnavailable as err:
        sys.stderr.write(f"milepost: {err} (is MILEPOST_REDIS_URL the right one?)\n")
        return 1


_BY = Actor("operator", "milepost dead")
"""As events name him: the command line knows nobody's name."""


def _list(letters: Sequence[DeadLetter], *, as_json: bool, hint: bool) -> int:
    if as_json:
        _print(json.dumps([asdict(letter) for letter in letters]))
        return 0
    for letter in letters:
        age = _age(letter.age_seconds)
        _print(f"{letter.id}  {age:>6}  {letter.stream} {letter.entry}  {letter.reason}")
    if not letters:
        _print("no dead letters")
    elif hint:
        _print(_HINT)
    return 0


def _tell(action: str, outcomes: dict[str, str | None], *, as_json: bool) -> int:
    done = _DONE[action]
    if as_json:
        rows = [
            {"id": letter, done: why is None, "reason": why} for letter, why in outcomes.items()
        ]
        _print(json.dumps(rows))
    else:
        for letter, why in outcomes.items():
            _print(f"{letter}  {done if why is None else f'not {done}: {why}'}")
        if not outcomes:
            _print(f"nothing to {action}")
    return 1 if any(outcomes.values()) else 0


def _age(seconds: float) -> str:
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{int(seconds // size)} {unit}"


def _print(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")
