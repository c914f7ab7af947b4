"""What consumers need is what the real services give: every pact, verified against an `up`.

Those of the last release as well, where they differ: that release's clients are out there.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pact import Verifier

from milepost_cli import released
from one_origin import one_origin
from pact_exchange import FOLDER
from pact_states import States
from pact_writers import fill
from up_process import Up

CONSUMERS = {
    "application": ("notify", "submit"), "notify": ("submit",), "page": ("notify", "submit"),
    "projector": ("submit", "worker"), "submit": ("notify",), "terminal": ("notify", "submit"),
    "worker": ("notify", "submit"),
}  # fmt: skip
KEPT = [FOLDER / f"{who}-{whom}.json" for who, whose in CONSUMERS.items() for whom in whose]
LAST = [
    file
    for file in sorted((released.last() / "pacts").iterdir())
    if not (now := FOLDER / file.name).exists() or now.read_text() != file.read_text()
]
REQUESTED = [file for file in KEPT + LAST if not file.name.startswith("projector-")]
WRITTEN = [file for file in KEPT + LAST if file.name.startswith("projector-")]


def name(file: Path) -> str:
    """Whose it is, and of which release."""
    return file.stem if file.parent == FOLDER else f"{file.stem}-of-{file.parents[1].name}"


def test_there_are_the_pacts_that_are_verified_and_no_others():
    assert sorted(FOLDER.iterdir()) == sorted(KEPT)


@pytest.mark.parametrize("file", REQUESTED, ids=name)
def test_a_service_answers_as_its_consumers_need(up: Up, file: Path):
    states = States(up.url, (up.data / "secret").read_text().strip())
    others = {"/states": states.answer}
    with one_origin(up.url, up.url, headers=states.headers, others=others) as url:
        verifier = Verifier(file.stem.rpartition("-")[2], host="127.0.0.1").add_transport(url=url)
        verifier.state_handler(f"{url}/states", body=True)
        verify(verifier, file)


@pytest.fixture(scope="module")
def entries(up: Up) -> Iterator[dict[str, dict[str, Any]]]:
    """An entry of each type, by its writer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MILEPOST_SECRET", (up.data / "secret").read_text().strip())
        patch.setenv("MILEPOST_SUBMIT_URL", up.url)
        patch.setenv("MILEPOST_NOTIFY_URL", up.url)
        yield fill(up)


@pytest.mark.parametrize("file", WRITTEN, ids=name)
def test_a_writer_writes_what_the_projector_needs(
    up: Up, entries: dict[str, dict[str, Any]], file: Path
):
    writer = file.stem.rpartition("-")[2]

    def message(asked: bytes) -> bytes:
        return json.dumps(entries[writer][json.loads(asked)["description"]]).encode()

    with one_origin(up.url, up.url, others={"/messages": message}) as url:
        verifier = Verifier(writer, host="127.0.0.1")
        port = urlsplit(url).port
        verify(verifier.add_transport(protocol="message", port=port, path="/messages"), file)


def verify(verifier: Verifier, file: Path) -> None:
    """Fail with what is not as agreed."""
    broken = ""
    try:
        verifier.set_coloured_output(enabled=False).add_source(file).verify()
    except RuntimeError:
        broken = str(verifier.output(strip_ansi=True))
    assert not broken, broken.partition("Failures:")[2]
