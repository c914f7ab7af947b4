"""Runs a command of the terminal client: arguments in, exit status out, errors in one line."""

from collections.abc import Sequence

import typer
from typer.core import TyperGroup
from typer.main import get_command

from milepost.errors import MilepostError
from milepost_cli.client import commands, completion, outcome, sign_in

_JOINED = (completion, sign_in)
"""Whose commands join the others when they are imported."""


def run(arguments: Sequence[str]) -> int:
    """Run one command, its name first; the exit status."""
    try:
        # Not its `main`, which would take a reader that went away for a failure, see `main` here.
        ours = group()
        with ours.make_context("milepost", list(arguments)) as context:
            return int(ours.invoke(context) or 0)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, EOFError, typer.Abort):  # Ctrl-C, or Ctrl-D at a question
        return outcome.INTERRUPTED
    except MilepostError as err:
        outcome.complain(str(err))
        return outcome.status_of(err)
    except typer.TyperException as err:  # asked wrongly
        said = " ".join(err.format_message().split())
        outcome.complain(
            f"{said[:1].lower()}{said[1:].rstrip('.')} (see: milepost {arguments[0]} --help)"
        )
        return outcome.USAGE


def group() -> TyperGroup:
    """All commands of the client."""
    found = get_command(commands.app)
    assert isinstance(found, TyperGroup)
    return found
