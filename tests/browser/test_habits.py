"""Small things of the page that people rely on: what comes first on a phone, what was closed or
run again, another password, words in their language, no motion for those who want none."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from axe import violations
from desk import sign_up, submit
from person import PASSWORD
from up_process import Up

PHONE = {"width": 390, "height": 844}


@pytest_asyncio.fixture(loop_scope="session")
async def korean(browser: Browser) -> AsyncGenerator[Page]:
    context = await browser.new_context(locale="ko-KR")
    yield await context.new_page()
    await context.close()


async def test_on_a_phone_the_list_comes_first_and_the_form_unfolds(page: Page, up: Up):
    await sign_up(page, up)
    await submit(page, up, "images.resize", "Resize 2 images", urls=["a", "b"])
    await expect(page.locator(".task")).to_have_count(1)
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await expect(page.locator("#mail-to")).to_be_hidden()
    await expect(page.locator(".task")).to_be_in_viewport()
    await page.locator("#unfold").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#unfold")).to_have_attribute("aria-expanded", "true")
    await expect(page.locator("#compose-card :focus")).to_have_count(1)
    assert await violations(page) == []
    await page.set_viewport_size({"width": 1280, "height": 900})
    await expect(page.locator("#unfold")).to_be_hidden()
    await expect(page.locator("#mail-to")).to_be_visible()


async def test_what_was_run_again_is_not_offered_again_after_a_reload(page: Page, up: Up):
    await sign_up(page, up)
    failed = await submit(page, up, "desk.fail", "Export the ledger", reason="The disk is full.")
    card = page.locator(f'[data-task="{failed}"]')
    retry = card.get_by_role("button", name="Retry", exact=True)
    await retry.click()
    await expect(page.locator('.task[data-status="failed"]')).to_have_count(2)
    await expect(retry).to_be_hidden()
    await page.reload()
    await expect(page.locator('.task[data-status="failed"]')).to_have_count(2)
    await expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(1)
    await expect(retry).to_be_hidden()


async def test_what_was_closed_can_be_looked_at_again(page: Page, up: Up):
    await sign_up(page, up)
    await page.locator("#open-closed").click()
    await expect(page.get_by_role("dialog")).to_contain_text("You have closed none")
    await page.keyboard.press("Escape")
    await expect(page.locator("#open-closed")).to_be_focused()
    await submit(page, up, "images.resize", "Resize 2 images", urls=["a", "b"])
    await page.get_by_role("button", name="Close", exact=True).click()
    await expect(page.locator(".task")).to_have_count(0)
    await page.locator("#open-closed").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Resize 2 images")
    await dialog.get_by_role("button", name="Details").click()
    await expect(dialog.locator(".timeline")).to_contain_text("Succeeded")
    assert await violations(page) == []


async def test_a_password_is_changed_and_other_browsers_are_signed_out(
    page: Page, browser: Browser, up: Up
):
    name = await sign_up(page, up)
    other = await (await browser.new_context()).new_page()
    await other.goto(up.url)
    await other.locator("#session-username").fill(name)
    await other.locator("#session-password").fill(PASSWORD)
    await other.locator('#session [value="in"]').click()
    await expect(other.locator("#tasks-heading")).to_be_visible()
    await page.locator(".gear").click()
    await page.locator("#open-account").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".rows li")).to_have_count(2)
    await expect(dialog.get_by_text("Here", exact=True)).to_have_count(1)
    assert await violations(page) == []
    await dialog.get_by_label("Password until now").fill("not this one, surely")
    await dialog.get_by_label("New password").fill("another horse battery")
    await page.keyboard.press("Enter")
    await expect(dialog.locator("#password-current-error")).to_contain_text("not your password")
    await dialog.get_by_label("Password until now").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(dialog.locator(".message")).to_contain_text("Changed.")
    await expect(other.locator("#session")).to_be_visible(timeout=20_000)
    await dialog.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.locator("#session")).to_be_visible()
    await other.context.close()


async def test_what_the_server_refuses_is_said_in_korean(korean: Page, up: Up):
    await sign_up(korean, up)
    await korean.route(
        "**/api/submit/tasks",
        lambda route: route.fulfill(
            status=422, content_type="application/problem+json",
            json={"type": "urn:milepost:no-room", "title": "No room", "status": 422},
        ),
    )  # fmt: skip
    await korean.locator("#mail-to").fill("a@x.test")
    await korean.locator("#mail [type=submit]").click()
    said = korean.locator("#mail .message")
    await expect(said).to_contain_text("서버에 새 작업을 받을 자리가 없습니다")


async def test_nothing_moves_for_those_who_want_no_motion(browser: Browser, up: Up, tmp_path: Path):
    context = await browser.new_context(reduced_motion="reduce")
    try:
        page = await context.new_page()
        await sign_up(page, up)
        await submit(page, up, "desk.open", "Read the feed", gate=str(tmp_path / "go"))
        await expect(page.locator(".bar[data-open]")).to_have_count(1)
        moving = 'document.querySelector("milepost-tasks").shadowRoot.getAnimations().length'
        assert await page.evaluate(moving) == 0
        await page.emulate_media(reduced_motion="no-preference")
        await page.wait_for_function(moving)
    finally:
        (tmp_path / "go").touch()
        await context.close()
