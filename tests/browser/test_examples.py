"""The examples of docs/embedding.md run as they stand; the core runs where there is no browser."""

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from desk import serve
from foreign_page import ForeignPage
from milepost.tokens import mint
from milepost_cli.frontend import FOLDER, install, node
from person import new_id
from up_process import ROOT, Up

PAGE = (ROOT / "docs" / "embedding.md").read_text()
STATIC = FOLDER.parent / "src" / "milepost_notify" / "static"
MOST_LINES = 10


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, foreign: ForeignPage) -> Iterator[Up]:
    running = serve(tmp_path_factory.mktemp("examples"), cors_origins=foreign.url)
    yield running
    running.close()


def token_of(up: Up) -> str:
    secret = (up.data / "secret").read_text().strip()
    return mint(
        f"shop:{new_id()}", secret, now=time.time(), ttl_seconds=900, scopes=None, tasks=None,
        audience="milepost",
    )  # fmt: skip


def run(*arguments: str) -> str:
    """What Node prints, given these arguments."""
    wrong, program = install(), node()
    assert wrong is None, wrong
    assert program is not None
    done = subprocess.run(
        [program, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("framework", "language"), [("react", "jsx"), ("vue", "vue")])
async def test_the_example_shows_tasks_that_move(
    page: Page, foreign: ForeignPage, up: Up, tmp_path: Path, framework: str, language: str
):
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    assert len(found[1].splitlines()) <= MOST_LINES
    source = tmp_path / f"example.{language}"
    await asyncio.to_thread(source.write_text, found[1].replace("https://tasks.example", up.url))
    foreign.script = await asyncio.to_thread(run, "example.mjs", framework, str(source))
    foreign.html = (
        '<!doctype html><meta charset="utf-8"><title>Shop</title><main></main>'
        '<script type="module" src="/page.js"></script>'
    )
    token = token_of(up)
    foreign.mint = lambda: token
    await page.goto(foreign.url)
    answer = await page.request.post(
        f"{up.url}/api/submit/tasks",
        data={"type": "demo.steps", "title": "Moving", "params": {"steps": 4, "seconds": 1}},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status == 201, await answer.text()
    await expect(page.get_by_text("Moving")).to_be_visible()
    await expect(page.locator("progress")).to_have_js_property("value", 100, timeout=20_000)


async def test_the_core_follows_tasks_without_a_browser(up: Up, tmp_path: Path):
    script = tmp_path / "core.mjs"
    source = f"""
        import {{ createClient }} from "{(STATIC / "milepost-core.js").as_uri()}";
        const idle = createClient(); // opens nothing, so that the process can end
        const client = createClient({{ url: "{up.url}", getToken: () => "{token_of(up)}" }});
        const {{ id }} = await client.submit(
          {{ type: "demo.steps", params: {{ steps: 3, seconds: 0.3 }} }});
        await new Promise((done) => {{
          client.subscribe(() => {{
            const task = client.getSnapshot().tasks.find((each) => each.id === id);
            if (task?.status === "succeeded") done();
          }});
        }});
        await client.dismiss(id);
        console.log(client.getSnapshot().tasks.length, idle.getSnapshot().phase);
        client.close();
        """
    await asyncio.to_thread(script.write_text, source)
    assert (await asyncio.to_thread(run, str(script))).split() == ["0", "loading"]
