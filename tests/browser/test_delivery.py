"""How news reach the page: by stream, long poll or poll, through outages, by the hundred."""

import asyncio
import itertools
import json
import os
import signal
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator, Page, Route, expect

from desk import sign_up, submit
from person import new_id
from up_process import Up
from waiting import wait_for

STREAM = "**/api/notify/notifications/stream*"
NOTIFICATIONS = "**/api/notify/notifications?*"
MANY = 500
JANK_MS = 100
OFFLINE_SECONDS = 10.0
CALM_MS = 2000
"""Longer than the page waits by itself."""


def asked_by(page: Page) -> list[str]:
    """The addresses that the page asks for news from now on."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "/notifications" in request.url else None,
    )
    return asked


async def reaches(page: Page, title: str, seconds: float = 20) -> None:
    bar = page.get_by_role("progressbar", name=title)
    await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=seconds * 1000)


async def held_at_40(page: Page, up: Up, gate: Path) -> Locator:
    """Sign up and see a task stand at 40 % until its gate is there; its bar."""
    await sign_up(page, up)
    await submit(page, up, "desk.hold", "Held", percent=40, gate=str(gate), message="on")
    bar = page.get_by_role("progressbar", name="Held")
    await expect(bar).to_have_attribute("aria-valuenow", "40")
    return bar


async def test_where_no_stream_works_it_waits_by_long_polls(page: Page, up: Up):
    await page.route(
        STREAM, lambda route: route.fulfill(status=200, body="<html>", content_type="text/html")
    )
    asked = asked_by(page)
    await sign_up(page, up)
    await submit(page, up, "demo.steps", "Slow road", steps=20, seconds=3)
    await reaches(page, "Slow road")
    assert any("wait=25" in url for url in asked)
    assert sum("/stream" in url for url in asked) <= 2, "what does not work is tried on and on"
    await expect(page.locator(".connection")).to_be_hidden()


async def test_where_no_request_may_wait_it_polls(page: Page, up: Up):
    polled_at: list[float] = []
    calm = False

    async def cut(route: Route) -> None:
        if "wait=" in route.request.url:
            await route.fulfill(status=504, body="")
        elif calm:
            polled_at.append(time.monotonic())
            answer = await route.fetch()
            told = {**await answer.json(), "next_poll_ms": CALM_MS}
            await route.fulfill(response=answer, json=told)
        else:
            await route.continue_()

    await page.route(STREAM, lambda route: route.abort())
    await page.route(NOTIFICATIONS, cut)
    asked = asked_by(page)
    await sign_up(page, up)
    await submit(page, up, "demo.steps", "Slower road", steps=20, seconds=3)
    await reaches(page, "Slower road", 30)
    assert sum("wait=" in url for url in asked) <= 3
    calm = True
    for _ in range(300):
        if len(polled_at) >= 4:
            break
        await page.wait_for_timeout(100)
    spaces = [later - earlier for earlier, later in itertools.pairwise(polled_at)]
    assert len(spaces) >= 3
    assert min(spaces) >= CALM_MS / 1000 * 0.8, "it polls sooner than it was asked to"


async def test_a_gap_brings_the_state_anew(page: Page, up: Up):
    await sign_up(page, up)
    await submit(page, up, "demo.steps", "Before", steps=1, seconds=0)
    await reaches(page, "Before")
    ghost = {"task_id": new_id(), "title": "Ghost"}
    first = True

    async def gap(route: Route) -> None:
        nonlocal first
        if not first:
            await route.continue_()
            return
        first = False
        cursor = parse_qs(urlsplit(route.request.url).query)["since"][0]
        row = {"id": cursor, "name": "task_progress", "data": ghost}
        body = f"id: {cursor}\nevent: task_progress\ndata: {json.dumps(row)}\n\n"
        body += "event: gap\ndata: {}\n\n"
        await route.fulfill(status=200, content_type="text/event-stream", body=body)

    await page.route(STREAM, gap)
    async with page.expect_request(STREAM):
        await page.reload()
    await reaches(page, "Before")
    await expect(page.get_by_text("Ghost")).to_have_count(0)
    await submit(page, up, "demo.steps", "After", steps=1, seconds=0)
    await reaches(page, "After")


async def test_ten_seconds_offline_are_said_and_made_up_for(page: Page, up: Up, tmp_path: Path):
    gate = tmp_path / "go"
    bar = await held_at_40(page, up, gate)
    began = time.monotonic()
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await asyncio.to_thread(gate.touch)
    asked = asked_by(page)
    while time.monotonic() < began + OFFLINE_SECONDS:
        await page.wait_for_timeout(250)  # the ten seconds are what is tested
    assert await bar.get_attribute("aria-valuenow") == "40"
    assert len(asked) <= 20, "it asks without a pause"
    asked.clear()
    await page.context.set_offline(False)
    await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=10_000)
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    assert all("since=" in url for url in asked), "it has read everything again"


async def test_the_page_goes_on_when_the_server_is_back(page: Page, up: Up, tmp_path: Path):
    gate = tmp_path / "go"
    bar = await held_at_40(page, up, gate)
    before = up.children()["web"]
    os.kill(before, signal.SIGKILL)
    await asyncio.to_thread(gate.touch)
    wait_for(lambda: up.children().get("web", before) != before, "web again")
    await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=30_000)
    await expect(page.locator(".connection")).to_be_hidden()


async def test_five_hundred_tasks_at_once_hold_nothing_up(page: Page, up: Up):
    await page.add_init_script(
        """window.long = [];
        new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)))
            .observe({ type: "longtask" });"""
    )
    await sign_up(page, up)
    await page.locator("milepost-tasks").evaluate("(list) => list.setAttribute('limit', '500')")
    tasks = [
        {
            "id": new_id(),
            "type": "demo.steps",
            "title": f"Task {n}",
            "params": {"steps": 5, "seconds": 0.1},
        }
        for n in range(MANY)
    ]
    await page.evaluate("long.length = 0")
    answer = await page.request.post(
        f"{up.url}/api/submit/tasks/batch", data={"tasks": tasks}, headers={"Origin": up.url}
    )
    assert answer.status == 201, await answer.text()
    await expect(page.locator('.task[data-status="succeeded"]')).to_have_count(MANY, timeout=90_000)
    durations = await page.evaluate("long")
    assert max(durations, default=0) <= JANK_MS, durations
    await page.evaluate("long.length = 0")
    await page.reload()
    await page.locator("milepost-tasks").evaluate("(list) => list.setAttribute('limit', '500')")
    await expect(page.locator(".task")).to_have_count(MANY, timeout=30_000)
    durations = await page.evaluate("long")
    assert max(durations, default=0) <= JANK_MS, durations
