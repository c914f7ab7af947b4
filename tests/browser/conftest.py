"""Chromium for the tests of the page: one per run, a fresh context for each test."""

import os
import shutil
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from desk import serve
from foreign_page import ForeignPage
from up_process import Up

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # CI and containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # The browser lives on the loop that started it.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _chromium() -> str:
    named = os.environ.get("MILEPOST_CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing = f"MILEPOST_CHROMIUM={named} is none" if named else "there is none on PATH"
        pytest.fail(
            f"needs Chromium, {missing}: apt-get install chromium fonts-dejavu-core, or set "
            'MILEPOST_CHROMIUM, or leave these tests out: ./milepost test -m "not browser"',
            pytrace=False,
        )
    return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`up` with the task types of `desk_tasks`, for the tests of one file."""
    running = serve(tmp_path_factory.mktemp("up"))
    yield running
    running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """Give the one Chromium of this run, headless."""
    executable = _chromium()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncGenerator[Page]:
    """Give an empty page with storage and cookies of its own."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


@pytest.fixture(scope="module")
def foreign() -> Iterator[ForeignPage]:
    """Give a page of another origin, empty until a test fills it."""
    page = ForeignPage()
    yield page
    page.close()
