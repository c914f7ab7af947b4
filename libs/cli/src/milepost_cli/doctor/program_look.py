"""Owns asking what is said elsewhere whether it is so: services at their addresses, modules with
tasks. Changes nothing.
"""

import subprocess
import sys
from collections.abc import Iterator

import httpx

from milepost.settings import Settings
from milepost_cli.doctor.finding import Finding

ANSWER_SECONDS = 3.0
IMPORT_SECONDS = 20.0
_IMPORT = """
import sys
from milepost.errors import ConfigurationError
from milepost_worker.extensions import import_tasks
try:
    import_tasks(sys.argv[1])
except ConfigurationError as err:
    sys.exit(str(err))
"""


def look(settings: Settings) -> Iterator[Finding]:
    """Submit and notify, where an address of theirs is set; MILEPOST_TASKS, if there are any."""
    for name, address in (("submit", settings.submit_url), ("notify", settings.notify_url)):
        if f"{name}_url" in settings.model_fields_set:
            yield _service(name, address)
    if settings.tasks:
        yield _tasks(settings.tasks)


def _service(name: str, address: str) -> Finding:
    variable = f"MILEPOST_{name.upper()}_URL"
    url = f"{address.rstrip('/')}/api/{name}/readyz"
    try:
        answer = httpx.get(url, timeout=ANSWER_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        says = f"{address} does not answer: {type(err).__name__}: {err}"
        return Finding(name, "fail", says, f"start {name}, or see {variable}")
    try:
        checks = answer.json()["checks"]
        wrong = [f"{check}: {said}" for check, said in checks.items() if said != "ok"]
    except (ValueError, LookupError, TypeError, AttributeError):
        says = f"what answers at {address} is not {name} (status {answer.status_code})"
        return Finding(name, "fail", says, f"see {variable}")
    if wrong:
        return Finding(name, "fail", f"is not ready: {', '.join(wrong)}", f"see {name}'s log")
    return Finding(name, "ok", "is ready")


def _tasks(names: str) -> Finding:
    """In a process of their own: what they do when imported is done to nothing of ours."""
    command = [sys.executable, "-c", _IMPORT, names]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        says = f"to import them takes more than {IMPORT_SECONDS:g} s"
        return Finding("tasks", "fail", says, "see MILEPOST_TASKS")
    if done.returncode:
        said = done.stderr.strip().splitlines()
        says, remedy = said[-1] if said else f"status {done.returncode}", "see MILEPOST_TASKS"
        return Finding("tasks", "fail", says.removeprefix("MILEPOST_TASKS: "), remedy)
    return Finding("tasks", "ok", f"{names} can be imported")
