"""Owns the list of what submit's endpoints work with. Makes none of it."""

from dataclasses import dataclass

from fastapi import Request

from milepost_log.dead_letters import DeadLetters
from milepost_log.pauses import Pauses
from milepost_submit.accounts import Accounts
from milepost_submit.catalogue import Catalogue
from milepost_submit.owned import Commands
from milepost_submit.passwords import Passwords
from milepost_submit.registry import Registry
from milepost_submit.sign_in_limit import SignInLimit


@dataclass(frozen=True, slots=True)
class Parts:
    """What `main` has wired."""

    commands: Commands
    dead_letters: DeadLetters
    pauses: Pauses
    catalogue: Catalogue
    accounts: Accounts
    passwords: Passwords
    sign_in_limit: SignInLimit
    registry: Registry


def parts_of(request: Request) -> Parts:
    """What this application works with; a call, as a dependency would cost more than it says."""
    return request.app.state.parts
