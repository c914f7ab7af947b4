"""Tabs of one browser share one connection, and hand it on."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, expect

from desk import sign_up, submit
from up_process import Up

TABS = 10
STREAM = "/api/notify/notifications/stream"


class Connections:
    """Which requests for news are open, of a whole browser."""

    def __init__(self, context: BrowserContext) -> None:
        self.streams: list[Request] = []
        self.open: list[Request] = []
        self.polls = 0
        # Chromium does not say of a page that was closed that its requests have ended.
        context.on("page", lambda page: page.on("close", self._leave))
        context.on("request", self._begin)
        context.on("requestfinished", self._end)
        context.on("requestfailed", self._end)

    def _begin(self, request: Request) -> None:
        if STREAM in request.url:
            self.streams.append(request)
            self.open.append(request)
        elif "/api/notify/notifications" in request.url:
            self.polls += 1

    def _leave(self, page: Page) -> None:
        self.open = [request for request in self.open if request.frame.page is not page]

    def _end(self, request: Request) -> None:
        if request in self.open:
            self.open.remove(request)


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncGenerator[BrowserContext]:
    made = await browser.new_context()
    yield made
    await made.close()


async def one_open(page: Page, connections: Connections) -> Page:
    """Wait until exactly one stream is open; the page that holds it."""
    for _ in range(100):
        if len(connections.open) == 1:
            return connections.open[0].frame.page
        await page.wait_for_timeout(100)
    pytest.fail(f"{len(connections.open)} streams are open")


async def test_ten_tabs_hold_one_connection_and_hand_it_on(context: BrowserContext, up: Up):
    connections = Connections(context)
    first = await context.new_page()
    await sign_up(first, up)
    tabs = [first, *[await context.new_page() for _ in range(TABS - 1)]]
    for tab in tabs[1:]:
        await tab.goto(up.url)
        await expect(tab.locator("#mail")).to_be_visible()
    await submit(first, up, "demo.steps", "Long", steps=100, seconds=12)
    for tab in tabs:
        await expect(tab.get_by_role("progressbar", name="Long")).to_be_visible()
    leader = await one_open(first, connections)
    assert len(connections.streams) == 1, "each tab has opened a stream"
    polls = connections.polls
    await leader.close()
    tabs.remove(leader)
    later = tabs[-1]
    holder = await one_open(later, connections)
    assert holder is not leader
    assert "since=" in connections.streams[-1].url, "the cursor was not handed over"
    for tab in tabs:
        bar = tab.get_by_role("progressbar", name="Long")
        await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=30_000)
    assert len(connections.open) == 1
    assert len(connections.streams) == 2
    assert connections.polls <= polls + 2, "whoever took over has read everything anew"


async def test_what_one_tab_does_shows_in_the_other_at_once(context: BrowserContext, up: Up):
    connections = Connections(context)
    first = await context.new_page()
    await sign_up(first, up)
    other = await context.new_page()
    await other.goto(up.url)
    await expect(other.locator("#mail")).to_be_visible()
    await submit(first, up, "demo.steps", "Short", steps=1, seconds=0)
    for tab in (first, other):
        await expect(tab.get_by_role("button", name="Close", exact=True)).to_be_visible()
        await expect(tab).to_have_title("(1) Milepost")
    await other.get_by_role("button", name="Mark all as read").click()
    for tab in (first, other):
        await expect(tab).to_have_title("Milepost")
    await other.get_by_role("button", name="Close", exact=True).click()
    await expect(first.get_by_role("progressbar")).to_have_count(0)
    assert len(connections.streams) == 1


async def test_what_the_server_would_not_dismiss_stays_in_every_tab(
    context: BrowserContext, up: Up
):
    first = await context.new_page()
    await sign_up(first, up)
    other = await context.new_page()
    await other.goto(up.url)
    await submit(first, up, "demo.steps", "Kept", steps=1, seconds=0)
    for tab in (first, other):
        await expect(tab.get_by_role("button", name="Close", exact=True)).to_be_visible()
    await first.route("**/dismiss", lambda route: route.fulfill(status=500, body=""))
    async with first.expect_response("**/dismiss"):
        await first.get_by_role("button", name="Close", exact=True).click()
    await submit(first, up, "demo.steps", "Later", steps=1, seconds=0)
    for tab in (first, other):  # what was told of it came before
        await expect(tab.get_by_role("progressbar", name="Later")).to_be_visible()
        await expect(tab.get_by_role("progressbar", name="Kept")).to_be_visible()


async def test_hidden_tabs_hold_no_connection_and_come_back(context: BrowserContext, up: Up):
    connections = Connections(context)
    page = await context.new_page()
    await page.add_init_script(
        """const get = () => window.seen ?? "visible";
        Object.defineProperty(document, "visibilityState", { get });
        window.look = (now) => {
            window.seen = now;
            document.dispatchEvent(new Event("visibilitychange"));
        };"""
    )
    await sign_up(page, up)
    await one_open(page, connections)
    await page.evaluate("look('hidden')")
    for _ in range(100):
        if not connections.open:
            break
        await page.wait_for_timeout(50)
    assert not connections.open, "a hidden tab holds a stream"
    await submit(page, up, "demo.steps", "Unseen", steps=1, seconds=0)
    await expect(page).to_have_title("(1) Milepost", timeout=20_000)
    await page.evaluate("look('visible')")
    await one_open(page, connections)
    await expect(page.get_by_role("progressbar", name="Unseen")).to_be_visible()


async def test_who_signs_out_in_one_tab_is_signed_out_in_all(context: BrowserContext, up: Up):
    first = await context.new_page()
    await sign_up(first, up)
    other = await context.new_page()
    await other.goto(up.url)
    await expect(other.locator("#mail")).to_be_visible()
    await first.get_by_role("button", name="Sign out").click()
    for tab in (first, other):
        await expect(tab.locator("#session")).to_be_visible()
        await expect(tab.locator("milepost-tasks")).to_have_count(0)


async def test_a_leader_whose_lock_is_stolen_follows_the_tab_that_took_it(
    context: BrowserContext, up: Up
):
    connections = Connections(context)
    first, second = await context.new_page(), await context.new_page()
    name = await sign_up(first, up)
    await second.goto(up.url)
    await expect(second.locator("#tasks-heading")).to_be_visible()
    leader = await one_open(first, connections)
    other = second if leader is first else first
    # As a tab does that has not heard its leader for too long; it holds the lock as one would.
    await other.evaluate(
        """async () => {
            const { held } = await navigator.locks.query();
            const [{ name }] = held.filter((lock) => lock.name.startsWith("milepost:"));
            const steal = { steal: true };
            const taken = new Promise((done) => navigator.locks.request(name, steal, () => {
                done();
                return new Promise((release) => (window.release = release));
            }).catch(() => {}));
            await taken;
        }"""
    )
    for _ in range(200):
        if not connections.open:
            break
        await leader.wait_for_timeout(50)
    assert connections.open == [], f"{name}: the robbed tab goes on"
    await other.evaluate("release()")
    await one_open(first, connections)
    await submit(first, up, "images.resize", "After the theft", urls=["a"])
    for page in (first, second):
        bar = page.get_by_role("progressbar", name="After the theft")
        await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=20_000)
