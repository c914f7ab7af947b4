"""Owns what a shell completes: commands, options, task types, their params, ids of tasks.

The script that a shell reads asks this for the words, so that they are true for what runs now.
"""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from milepost.errors import MilepostError
from milepost.exchanges import Conversation, within
from milepost.http_exchange import Access, run
from milepost_cli.client import asked, outcome, params
from milepost_cli.client.commands import app
from milepost_cli.client.destination import destination
from milepost_cli.printable import printable

ANSWER_SECONDS = 1.5
"""Who presses Tab does not wait longer."""
MOST_IDS = 50

SCRIPTS: Mapping[str, str] = {
    "bash": """\
_milepost() {
    local IFS=$'\\n'
    local line=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=($("${COMP_WORDS[0]}" completion words -- "${line[@]}" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _milepost milepost ./milepost
""",
    "zsh": """\
#compdef milepost
_milepost() {
    local -a found
    found=("${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n $found ]] || { _files; return }
    [[ $found[1] == *= ]] && compadd -S '' -- $found || compadd -- $found
}
compdef _milepost milepost ./milepost
""",
    "fish": """\
function __milepost
    set -l words (commandline -opc) (commandline -ct)
    $words[1] completion words -- $words[2..-1] 2>/dev/null
end
complete -c milepost -f -a '(__milepost)'
""",
}


@app.command()
def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "words"], typer.Argument(help="what to print it for")
    ],
    line: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
) -> int:
    """Print what makes a shell complete: eval "$(milepost completion bash)"."""
    if shell == "words":
        said = "".join(f"{printable(word)}\n" for word in words(line or [""]))
    else:
        said = SCRIPTS[shell]
    sys.stdout.write(said)
    return outcome.SUCCEEDED


def words(line: Sequence[str]) -> list[str]:
    """What the last word of a line may become, whose first is a command."""
    known = _commands()
    if len(line) < 2:
        return _beginning(line[-1] if line else "", known)
    command, before, last = line[0], line[1:-1], line[-1]
    if last.startswith("-"):
        return _beginning(last, known.get(command, ()))
    try:
        return _beginning(last, _asked(command, before))
    except MilepostError:  # not signed in, or away: nothing can be offered
        return []


def _commands() -> dict[str, list[str]]:
    """Every command with its options."""
    from milepost_cli.client.entry import group  # which has this one among its commands
    from milepost_cli.main import commands

    ours = {
        name: sorted({"--help", *(opt for param in command.params for opt in param.opts)})
        for name, command in group().commands.items()
    }
    return commands() | {
        name: [option for option in options if option.startswith("--")]
        for name, options in ours.items()
    }


def _asked(command: str, before: Sequence[str]) -> Iterable[str]:
    """What only Milepost knows."""
    given = [word for word in before if not word.startswith("-")]
    if command == "completion":
        return ("bash", "zsh", "fish")
    if command == "send" and not given:
        return [str(each["name"]) for each in _answer(asked.task_types())]
    if command == "send":
        found = asked.type_named(_answer(asked.task_types()), given[0])
        return [f"{key}=" for key in params.keys(found.params_schema)]
    if command in ("watch", "cancel", "show", "explain", "retry"):
        which = {"watch": "active", "cancel": "active", "retry": "ended"}.get(command, "all")
        return [str(each["id"]) for each in _answer(asked.tasks({"status": which}, MOST_IDS))]
    return ()


def _answer(conversation: Conversation[list[Any]]) -> list[Any]:
    access: Access = destination(None, None).access()
    return run(within(conversation, ANSWER_SECONDS, time.monotonic), access)


def _beginning(start: str, found: Iterable[str]) -> list[str]:
    return [word for word in found if word.startswith(start)]
