"""One exchange of a pact, the mock services that have such exchanges, and the kept files.

A consumer's test lists what it says and hears, runs the real consumer against `mocked`, and ends
with `kept`: the file in docs/api/pacts is what that came to, or the test fails. With WRITE_PACTS=1
it is written.
"""

import difflib
import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from pact import Pact, generate
from pact.match.matcher import GenericMatcher

from one_origin import one_origin
from up_process import ROOT

FOLDER = ROOT / "docs" / "api" / "pacts"
JSON, PROBLEM = "application/json", "application/problem+json"

Given = tuple[str, Mapping[str, Any]]
"""A provider's state and its parameters: a method of `pact_states.States`."""
A_TOKEN: Given = ("somebody has a token", {})
SIGNED_IN: Given = ("somebody is signed in", {})


def a_task(id: str, status: str) -> Given:
    """Whoever asks has this task."""
    return "there is a task", {"id": id, "status": status}


def from_state(example: str, expression: str, regex: str = ".+") -> Any:
    """What the consumer takes over from elsewhere: any text that fits in its own test, and when a
    provider is verified what its state says, such as `${cursor}`."""
    return GenericMatcher(
        "regex", value=example, generator=generate.provider_state(expression), regex=regex
    )


@dataclass(frozen=True)
class Exchange:
    """What the consumer asks, and the answer that it needs."""

    provider: str
    says: str
    """What it wants, in words, unique within the pact."""
    given: Given
    method: str
    path: Any
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Any = None
    status: int = 200
    answer: Any = None
    """Body of the answer."""
    answer_headers: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def join(self, pact: Pact) -> None:
        """Make it a part of a pact."""
        state, parameters = self.given
        one = pact.upon_receiving(self.says).given(state, dict(parameters))
        one.with_request(self.method, self.path)
        for name, value in self.query.items():
            one.with_query_parameter(name, value)
        for name, value in self.headers.items():
            one.with_header(name, value, "Request")
        if self.body is not None:
            one.with_body(self.body, JSON, "Request")
        one.will_respond_with(self.status)
        for name, value in self.answer_headers.items():
            one.with_header(name, value, "Response")
        if self.answer is not None:
            one.with_body(self.answer, PROBLEM if self.status >= 400 else JSON, "Response")


@contextmanager
def mocked(consumer: str, folder: Path, exchanges: Sequence[Exchange]) -> Generator[str]:
    """Services that know these exchanges alone, at one address.

    Fails at the end where one was not asked, or something else was; then nothing is kept.
    """
    pacts = {name: Pact(consumer, name) for name in sorted({each.provider for each in exchanges})}
    for each in exchanges:
        each.join(pacts[each.provider])
    with ExitStack() as stack:
        at = {
            name: str(stack.enter_context(pact.serve("127.0.0.1", raises=True)).url)
            for name, pact in pacts.items()
        }
        nowhere = "http://127.0.0.1:9"
        yield stack.enter_context(one_origin(at.get("submit", nowhere), at.get("notify", nowhere)))
    for pact in pacts.values():
        pact.write_file(folder)


def kept(folder: Path) -> None:
    """Compare the pacts in a folder with those kept, or keep them."""
    made = sorted(folder.glob("*.json"))
    assert made, "no pact was made"
    for path in made:
        text, file = _in_order(path.read_text()), FOLDER / path.name
        if os.environ.get("WRITE_PACTS"):
            file.write_text(text)
        before = file.read_text() if file.exists() else ""
        changes = difflib.unified_diff(
            before.splitlines(),
            text.splitlines(),
            f"kept {file.name}",
            "made just now",
            "",
            "",
            3,
            "",
        )
        assert before == text, (
            "\n".join(changes)
            + "\n\nThe consumer asks for something else than what is kept. If that is meant: "
            "WRITE_PACTS=1 ./milepost test tests/contracts, and commit docs/api/pacts"
        )


def _in_order(text: str) -> str:
    pact: dict[str, Any] = json.loads(text)
    pact["metadata"] = {"pactSpecification": pact["metadata"]["pactSpecification"]}
    pact["interactions"] = sorted(pact["interactions"], key=itemgetter("description"))
    return json.dumps(pact, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
