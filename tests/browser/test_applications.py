"""The examples: applications with people of their own, who see their tasks in its page."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from up_process import ROOT, Up
from waiting import wait_for

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Example:
    """How one is started, and what is done in its page."""

    name: str
    tasks: str
    command: tuple[str, ...]
    button: str
    title: str
    empty: str


ALL = [
    Example(
        "flask", "blog_tasks", ("flask", "--app", "app", "run", "--port", "{port}"),
        "Export posts", "Export your posts", "Nothing is being sent or exported.",
    ),
    Example(
        "django", "shop_tasks", ("app", "runserver", "{port}", "--noreload"),
        "Print invoices", "Print invoices", "Nothing is being printed.",
    ),
    Example(
        "fastapi", "album_tasks", ("uvicorn", "app:app", "--port", "{port}"),
        "Resize photos", "Resize photos", "Nothing is being resized.",
    ),
]  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


PORTS = {example.name: free_port() for example in ALL}
"""Chosen before Milepost starts, which has to know whose pages it lets in."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    for example in ALL:
        module = f"{example.tasks}.py"
        Path(folder / module).symlink_to(EXAMPLES / example.name / module)
    origins = ",".join(f"http://127.0.0.1:{port}" for port in PORTS.values())
    modules = ",".join(example.tasks for example in ALL)
    running = Up(folder, "--port", "0", "--tasks", modules, cors_origins=origins)
    yield running.until_ready()
    running.close()


@pytest.fixture(params=ALL, ids=lambda example: example.name)
def example(request: pytest.FixtureRequest, up: Up, tmp_path: Path) -> Iterator[Example]:
    """One that runs, as its README says."""
    chosen: Example = request.param
    port = PORTS[chosen.name]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")} | {
        "MILEPOST_SECRET": (up.data / "secret").read_text().strip(),
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"MILEPOST_{name}_URL": up.url for name in ("SUBMIT", "NOTIFY", "PUBLIC")},
    }
    command = [word.format(port=port) for word in chosen.command]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=EXAMPLES / chosen.name, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for(lambda: answers(port) or process.poll() is not None, chosen.name)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield chosen
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except OSError:
        return False


async def test_an_application_shows_its_people_their_tasks(page: Page, example: Example):
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.goto(f"http://127.0.0.1:{PORTS[example.name]}/")
    await page.get_by_label("Name").fill("ann <b>")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Hello ann <b>.")).to_be_visible()
    await expect(page.get_by_text(example.empty)).to_be_visible()
    await page.get_by_role("button", name=example.button).click()
    bar = page.get_by_role("progressbar")
    await expect(bar).to_be_visible(timeout=30_000)
    await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=30_000)
    tasks = page.locator("milepost-tasks")
    await expect(tasks.get_by_text(example.title)).to_be_visible()
    await tasks.get_by_role("button", name="Close").click()
    await expect(page.get_by_text(example.empty)).to_be_visible()
    assert wrong == []


@pytest.mark.parametrize("example", ALL[:1], indirect=True, ids=["flask"])
async def test_the_blog_sends_mail(page: Page, example: Example, up: Up):
    await page.goto(f"http://127.0.0.1:{PORTS[example.name]}/")
    await page.get_by_label("Name").fill("bob")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("To").fill("ann@example.org, eve@example.org")
    await page.get_by_label("Subject").fill("From the blog")
    await page.get_by_label("Text").fill("Hello")
    await page.get_by_role("button", name="Send mail").click()
    bar = page.get_by_role("progressbar")
    await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=30_000)
    caught = await page.request.get(f"{up.url}/dev/mail")
    assert (await caught.text()).count("From the blog") == 2
    refused = await page.request.post(
        f"http://127.0.0.1:{PORTS[example.name]}/send_mail",
        form={"to": "nobody", "subject": "x", "body": "x"},
    )
    assert refused.status == 422


async def test_nobody_gets_a_token_who_is_not_signed_in(page: Page, example: Example):
    answer = await page.request.get(f"http://127.0.0.1:{PORTS[example.name]}/milepost-token")
    assert answer.status == 401
