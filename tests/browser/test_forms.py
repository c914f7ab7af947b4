"""Forms made of JSON Schemas, what they send and refuse; keyboard, focus and what is announced."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from desk import sign_up, submit
from up_process import Up


async def focused(page: Page) -> str:
    """What has the focus, through shadow roots: its text, or its id."""
    return await page.evaluate(
        """() => {
            let it = document.activeElement;
            while (it?.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
            return it.querySelector?.(".title")?.textContent || it.textContent.trim() || it.id;
        }"""
    )


async def test_a_form_of_a_types_schema_sends_what_was_typed(page: Page, up: Up):
    await sign_up(page, up)
    await page.get_by_label("Kind").select_option(label="Resize images")
    form = page.locator("#images")
    await expect(page.get_by_text("Makes smaller copies")).to_be_visible()
    await form.get_by_label("Urls").fill("https://x.test/a b.png\n\nhttps://x.test/c.png\n")
    await form.get_by_label("Quality").fill("0.5")
    await form.get_by_label("Format").select_option("webp")
    await form.get_by_label("Width").fill("640")
    await form.get_by_label("Keep Originals").uncheck()
    await form.get_by_label("Until").fill("2030-12-24")
    await form.get_by_role("button", name="Start").click()
    await expect(page.get_by_text("0.5 webp 640 False 2030-12-24")).to_be_visible()
    await expect(page.locator(".result", has_text="Count")).to_contain_text("2")
    await expect(form.get_by_label("Urls")).to_have_value("")


async def test_an_export_is_a_file_that_a_click_downloads(page: Page, up: Up):
    await sign_up(page, up)
    await page.get_by_label("Kind").select_option(label="Export of my tasks")
    form = page.locator("#report")
    await form.get_by_label("Format").select_option("csv")
    await form.get_by_role("button", name="Start").click()
    link = page.get_by_role("link", name="Download CSV")
    async with page.expect_download() as download:
        await link.click()
    text = (await (await download.value).path()).read_text()
    assert text.splitlines()[0].startswith("id,type,title")
    assert "report.export,Export of my tasks" in text


async def test_an_export_that_is_no_longer_there_says_so(page: Page, up: Up):
    await sign_up(page, up)
    await submit(page, up, "report.export", "Gone", format="csv")
    problem = {"type": "urn:milepost:expired", "title": "The link has expired", "status": 410}
    await page.route(
        "**/api/notify/exports/**", lambda route: route.fulfill(status=410, json=problem)
    )
    await page.get_by_role("link", name="Download CSV").click()
    await expect(page.get_by_role("link", name="The link has expired.")).to_be_visible()


async def test_what_was_left_empty_is_left_to_its_default(page: Page, up: Up):
    await sign_up(page, up)
    await page.get_by_label("Kind").select_option(label="Resize images")
    form = page.locator("#images")
    await form.get_by_role("button", name="Start").click()
    await expect(page.locator("#images-urls-error")).to_have_text("Urls is missing.")
    assert await page.evaluate("document.activeElement.id") == "images-urls"
    await form.get_by_label("Urls").fill("https://x.test/a.png")
    await expect(page.locator("#images-urls-error")).to_be_hidden()
    await form.get_by_label("Quality").fill("")
    await form.get_by_role("button", name="Start").click()
    await expect(page.get_by_text("0.8 png None True None")).to_be_visible()


async def test_addresses_are_checked_as_they_are_typed(page: Page, up: Up):
    await sign_up(page, up)
    field = page.get_by_label("To", exact=True)
    await field.press_sequentially("ada@x.tes")
    await expect(page.locator("#mail-to-error")).to_be_hidden()
    await field.press_sequentially("t, bob")
    await expect(page.locator("#mail-to-error")).to_be_hidden()
    await expect(page.get_by_text("2 recipients")).to_be_visible()
    await field.press_sequentially(" ")
    await expect(page.locator("#mail-to-error")).to_have_text("“bob” is not an address.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await field.fill("ada@x.test; bob@x.test")
    await expect(page.locator("#mail-to-error")).to_be_hidden()


async def test_all_of_it_works_by_keyboard(page: Page, up: Up, tmp_path: Path):
    gate = str(tmp_path / "go")
    await page.goto(up.url)
    await expect(page.locator("#session")).to_be_visible()
    await page.keyboard.press("Tab")  # the settings
    await page.keyboard.press("Tab")
    await page.keyboard.type("keys and keys")
    await page.keyboard.press("Tab")
    await page.keyboard.type("correct horse battery")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")  # sign up
    await expect(page.locator("#mail-to")).to_be_focused()
    await page.keyboard.type("ada@x.test")
    await page.keyboard.press("Tab")
    await page.keyboard.type("By keyboard")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    await submit(page, up, "desk.hold", "To stop", percent=10, gate=gate, message="x")
    card = page.locator(".task", has_text="To stop")
    await expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "10")
    await card.get_by_role("button", name="Details").focus()
    await page.keyboard.press("Enter")
    await expect(card.get_by_text("Attempt 1 began")).to_be_visible()
    await page.keyboard.press("Tab")
    await submit(page, up, "demo.steps", "Newer", steps=1, seconds=0)
    await expect(page.locator(".task")).to_have_count(3)
    assert await focused(page) == "Cancel", "the focus went when the list changed"
    await page.keyboard.press("Enter")
    await expect(card).to_have_attribute("data-status", "cancelled")
    assert await focused(page) == "To stop", "the focus went with its button"
    await card.get_by_role("button", name="Close", exact=True).focus()
    await page.keyboard.press("Enter")
    await expect(card).to_have_count(0)
    assert await focused(page) == "Close", "the focus went with its card"


async def test_progress_is_announced_sparingly(page: Page, up: Up):
    await sign_up(page, up)
    await page.evaluate(
        """() => {
            window.said = [];
            const region = document.querySelector("milepost-tasks").shadowRoot
                .querySelector("[aria-live]");
            new MutationObserver(() => said.push(region.textContent))
                .observe(region, { childList: true, characterData: true, subtree: true });
        }"""
    )
    await submit(page, up, "demo.steps", "Chatty", steps=200, seconds=6)
    await expect(page.get_by_role("progressbar")).to_have_attribute(
        "aria-valuenow", "100", timeout=30_000
    )
    await expect(page.locator("[aria-live]")).to_contain_text("Chatty: Succeeded.")
    said = await page.evaluate("said")
    assert 2 <= len(said) <= 6, said
    assert re.search(r"Chatty: (Running|\d\d%)", " ".join(said)), said


async def test_who_asked_for_it_is_told_when_nobody_looks(page: Page, up: Up, tmp_path: Path):
    gate = tmp_path / "go"
    await page.add_init_script(
        """const get = () => window.seen ?? "visible";
        Object.defineProperty(document, "visibilityState", { get });
        window.told = [];
        window.Notification = class {
            static permission = "default";
            static requestPermission = async () => (Notification.permission = "granted");
            constructor(title) { told.push(title); }
        };"""
    )
    await sign_up(page, up)
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_label("Say when a task ends").check()
    await page.keyboard.press("Escape")
    await submit(page, up, "demo.steps", "Watched", steps=1, seconds=0)
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    assert await page.evaluate("told") == []
    await submit(page, up, "desk.hold", "Unwatched", percent=5, gate=str(gate), message="x")
    await expect(page.get_by_role("progressbar", name="Unwatched")).to_have_attribute(
        "aria-valuenow", "5"
    )
    await page.evaluate(
        "() => { seen = 'hidden'; document.dispatchEvent(new Event('visibilitychange')); }"
    )
    gate.touch()
    await expect(page).to_have_title("(2) Milepost", timeout=20_000)
    assert await page.evaluate("told") == ["Succeeded: Unwatched"]


@pytest.mark.parametrize("width", [320, 640, 1280, 3840])
async def test_it_fits_every_width(page: Page, up: Up, width: int):
    await page.set_viewport_size({"width": width, "height": max(700, width * 9 // 16)})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    await page.goto(up.url)
    await expect(page.locator("#session")).to_be_visible()
    assert await page.evaluate(wide) == 0
    await sign_up(page, up)
    title = "A title of one very long word: " + "Donaudampfschifffahrt" * 7
    await submit(page, up, "desk.fail", title, reason="x" * 300)
    await expect(page.locator('[data-status="failed"]')).to_be_visible()
    await page.get_by_role("button", name="Details").click()
    await expect(page.get_by_text("What happened")).to_be_visible()
    assert await page.evaluate(wide) == 0


async def test_a_chosen_theme_and_language_stay(page: Page, up: Up):
    await page.goto(up.url)
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_label("Theme").select_option("dark")
    await page.get_by_label("Language").select_option("ko")
    await expect(page.get_by_role("button", name="가입")).to_be_visible()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.reload()
    await expect(page.get_by_role("button", name="가입")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert await page.evaluate("document.documentElement.lang") == "ko"
    assert await page.locator("html").get_attribute("data-theme") == "dark"
