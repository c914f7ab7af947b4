"""Every state of the page, in both themes and languages: nobody is kept out, and a picture of each.

The pictures are kept in docs/screens, or where MILEPOST_TEST_SCREENS says.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from axe import violations
from desk import serve, sign_up, submit
from up_process import ROOT, Up

SCREENS = Path(os.environ.get("MILEPOST_TEST_SCREENS") or ROOT / "docs" / "screens")
NEWS = "**/api/notify/notifications**"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 720}

Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = serve(tmp_path_factory.mktemp("states"), leased=2)
    yield running
    running.close()


@dataclass
class Look:
    """A person with one theme and one language, whose every state is looked at."""

    page: Page
    theme: Theme
    lang: str

    async def at(self, state: str) -> None:
        """Look at the page as it is now: no violation, nothing that sticks out, a picture."""
        await self.page.mouse.move(0, 0)
        assert await violations(self.page) == [], f"{state} ({self.theme}, {self.lang})"
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await self.page.evaluate(wide) == 0, f"{state} sticks out"
        if self.lang == "en" or (self.theme == "light" and state in ("list", "details")):
            suffix = "-dark" if self.theme == "dark" else ""
            suffix += "" if self.lang == "en" else f"-{self.lang}"
            path = SCREENS / f"{state}{suffix}.png"
            await self.page.screenshot(path=path, animations="disabled", caret="hide")


async def context_of(browser: Browser, theme: Theme, lang: str) -> BrowserContext:
    return await browser.new_context(
        locale={"en": "en-GB", "ko": "ko-KR"}[lang],
        color_scheme=theme,
        viewport={"width": DESK["width"], "height": DESK["height"]},
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_every_state_is_open_to_all(
    browser: Browser, up: Up, tmp_path: Path, theme: Theme, lang: str
):
    context = await context_of(browser, theme, lang)
    try:
        page = await context.new_page()
        look = Look(page, theme, lang)
        await signed_out(look, up)
        gone_on = asyncio.Event()

        async def hold(route: Route) -> None:
            await gone_on.wait()
            await route.continue_()

        await page.route(NEWS, hold)
        await sign_up(page, up, f"Ada {theme} {lang}")
        await expect(page.locator(".ghosts")).to_be_visible()
        await look.at("loading")
        gone_on.set()
        await expect(page.locator("milepost-tasks .empty")).to_be_visible()
        await page.unroute(NEWS)
        await look.at("empty")
        await forms(look)
        await the_list(look, up, tmp_path)
        await away(look, up)
    finally:
        (tmp_path / "go").touch()
        await context.close()


async def signed_out(look: Look, up: Up) -> None:
    page = look.page
    await page.route("**/api/submit/session", lambda route: route.abort())
    await page.goto(up.url)
    await expect(page.locator("#unreachable")).to_be_visible()
    await look.at("unreachable")
    await page.unroute("**/api/submit/session")
    await page.locator("#try-again").click()
    await expect(page.locator("#session")).to_be_visible()
    await look.at("signed-out")
    await page.locator("#session-username").fill("nobody")
    await page.locator("#session-password").fill("short")
    await page.locator('#session [value="up"]').click()
    await expect(page.locator("#session-password-error")).to_be_visible()
    await look.at("signed-out-refused")


async def forms(look: Look) -> None:
    page = look.page
    await page.locator("#mail-to").press_sequentially("ada@x.test, not an address, ")
    await expect(page.locator("#mail-to-error")).to_be_visible()
    await look.at("mail-refused")
    await page.locator("#kind").select_option("images.resize")
    await page.locator("#images [type=submit]").click()
    await page.locator("#images-size-width").fill("5000")
    await page.locator("#images-size-height").fill("x")
    await page.locator("#images [type=submit]").click()
    await expect(page.locator("#images-size-width-error")).to_be_visible()
    await look.at("form")
    await page.locator(".gear").click()
    await expect(page.locator("#settings")).to_be_visible()
    await look.at("settings")
    await page.keyboard.press("Escape")
    await page.locator("#kind").select_option("mail.send")


async def the_list(look: Look, up: Up, folder: Path) -> None:
    page, gate = look.page, str(folder / "go")
    await submit(page, up, "images.resize", "Resize 3 images", urls=["a", "b", "c"])
    await submit(page, up, "desk.fail", "Export the ledger", reason="The disk is full.")
    await submit(page, up, "demo.steps", "Import addresses", steps=4, seconds=0.1, fail_at=3)
    stopped = await submit(
        page, up, "desk.hold", "Archive 2019", percent=20, gate=gate, message="packing"
    )
    await expect(page.get_by_role("progressbar", name="Archive 2019")).to_have_attribute(
        "aria-valuenow", "20"
    )
    await page.locator(f'[data-task="{stopped}"] [part~=cancel]').click()
    await expect(page.locator('[data-status="cancelled"]')).to_have_count(1)
    await submit(page, up, "desk.later", "Print the labels")
    await submit(page, up, "desk.single", "Nightly report", gate=gate)
    await expect(page.locator('.task[data-status="running"]')).to_have_count(1)
    await submit(page, up, "desk.single", "Nightly report, again", gate=gate)
    await submit(page, up, "desk.quiet", "Fetch the archive", gate=gate)
    await submit(page, up, "desk.open", "Read the feed", gate=gate)
    await submit(
        page, up, "desk.hold", "Resize 40 images for the spring catalogue",
        percent=62.5, gate=gate, message="photo 25 of 40",
    )  # fmt: skip
    first = page.locator(".task").first
    await expect(first.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "62")
    await expect(page.locator('.task[data-status="retrying"]')).to_have_count(1)
    await expect(page.locator(".worry:visible")).to_have_count(1, timeout=20_000)
    # Where it stands is asked for every few seconds.
    queued = page.locator('.task[data-status="queued"]')
    await expect(queued).to_have_count(1)
    if look.lang == "en":
        await expect(queued).to_contain_text("next in the queue", timeout=10_000)
        await expect(page.locator(".worry:visible")).to_contain_text("Quiet: no news for")
    await look.at("list")
    await page.locator(".filters input").fill("zebra")
    await expect(page.locator(".task")).to_have_count(0)
    await look.at("no-match")
    await page.locator(".filters input").fill("")
    await first.locator("[part~=details]").click()
    await expect(first.locator(".chart")).to_be_visible()
    await expect(first.locator(".log li")).to_have_count(10)
    await look.at("details")
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await first.scroll_into_view_if_needed()
    await page.locator("#tasks-heading").evaluate("(it) => it.scrollIntoView()")
    await look.at("phone")
    await page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    await first.locator("[part~=details]").click()
    await page.evaluate("scrollTo(0, 0)")


async def away(look: Look, up: Up) -> None:
    page = look.page
    await page.context.set_offline(True)
    await expect(page.locator(".connection")).to_be_visible()
    await look.at("offline")
    await page.route(NEWS, lambda route: route.abort())
    await page.context.set_offline(False)
    said = {"en": "Reconnecting", "ko": "다시 연결"}[look.lang]
    await expect(page.locator(".connection", has_text=said)).to_be_visible()
    await look.at("reconnecting")
    await page.unroute(NEWS)
    await expect(page.locator(".connection")).to_be_hidden(timeout=20_000)
    worker = up.children()["worker 1"]
    os.kill(worker, signal.SIGSTOP)
    try:
        await expect(
            page.locator('.task[data-worry]:not([data-status="queued"])')
        ).not_to_have_count(1, timeout=30_000)
        said = {"en": "Interrupted", "ko": "중단됨"}[look.lang]
        await expect(page.locator(".status", has_text=said).first).to_be_visible()
        await look.at("lost")
    finally:
        os.kill(worker, signal.SIGCONT)
