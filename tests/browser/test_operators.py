"""The operators' page: every state in both themes and languages, and everything it does.

The pictures are kept in docs/screens, or where MILEPOST_TEST_SCREENS says.
"""

import json
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Route, expect

from axe import violations
from person import Person
from up_process import ROOT, Up, command

SCREENS = Path(os.environ.get("MILEPOST_TEST_SCREENS") or ROOT / "docs" / "screens")
DESK, PHONE, WALL = (1280, 900), (360, 740), (3840, 2160)

ANYWHERE = """(root) => {
    const roots = [document, document.querySelector(".panel-host")?.shadowRoot];
    for (const pre of roots.flatMap((each) => [...(each?.querySelectorAll("pre") ?? [])])) {
        if (!pre.textContent.includes(root)) continue;
        pre.textContent = pre.textContent.replaceAll(root, "/srv");
    }
}"""
"""A picture does not say where the tests ran."""

Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def token(up: Up) -> str:
    """What the command prints, for an operator called ann."""
    code, out, err = command(
        up.data.parent, "operator-token", "--name", "ann", "--data-dir", str(up.data)
    )
    assert (code, "operator:ann" in err) == (0, True), err
    return out.strip()


@pytest.fixture(scope="module")
def people(up: Up) -> Iterator[dict[str, Any]]:
    """Two people with tasks in every status that stands still, and the gate some wait at."""
    gate = up.data.parent / "go"
    ada, bob = (Person.signed_up(up.url, name) for name in ("ada", "bob"))
    tasks = {
        "done": ada.submit("images.resize", urls=["a", "b"]),
        "failed": ada.submit("desk.fail", reason="The disk is full."),
        "raised": bob.submit("demo.steps", steps=4, seconds=0.1, fail_at=3),
        "later": bob.submit("desk.later"),
        "running": ada.submit("desk.hold", percent=62.5, gate=str(gate), message="photo 25 of 40"),
        "other": bob.submit("desk.open", gate=str(gate)),
    }
    ada.follow_to_end(tasks["done"], tasks["failed"])
    bob.follow_to_end(tasks["raised"])
    ada.follow(lambda: ada.tasks.get(tasks["running"], {}).get("progress") == 62.5, "62.5 %")
    bob.follow(lambda: bob.tasks.get(tasks["later"], {}).get("status") == "retrying", "another try")
    yield {"tasks": tasks, "gate": gate, "error": bob.tasks[tasks["raised"]]["error"]}
    gate.touch()


@asynccontextmanager
async def looking(
    browser: Browser, up: Up, theme: Theme = "light", lang: str = "en"
) -> AsyncGenerator[Page]:
    """A page whose console stays silent and which asks nobody but its own origin."""
    context = await browser.new_context(
        locale={"en": "en-GB", "ko": "ko-KR"}[lang], color_scheme=theme,
        viewport={"width": DESK[0], "height": DESK[1]},
    )  # fmt: skip
    complaints, asked = list[str](), list[str]()

    def hear(message: ConsoleMessage) -> None:
        refused = any(
            status in message.text for status in ("401", "403", "404", "409", "503", "ERR_")
        )
        if message.type in ("error", "warning") and not refused:
            complaints.append(message.text)

    def see(request: Request) -> None:
        asked.append(request.url)

    page = await context.new_page()
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", see)
    try:
        yield page
        assert complaints == []
        assert [url for url in asked if not url.startswith(up.url)] == []
    finally:
        await context.close()


async def enter(page: Page, up: Up, token: str, *, view: str = "", keep: bool = False) -> None:
    await page.goto(f"{up.url}/operators{view}")
    await page.locator("#token").fill(token)
    await page.locator("#keep").set_checked(keep)
    await page.locator("#access [type=submit]").click()


async def at(page: Page, state: str, theme: Theme, lang: str) -> None:
    """Look at the page as it is now: no violation, nothing that sticks out, a picture."""
    await page.mouse.move(0, 0)
    assert await violations(page) == [], f"{state} ({theme}, {lang})"
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) == 0, f"{state} sticks out"
    if lang == "en" or state in ("operators-now", "operators-task"):
        suffix = ("-dark" if theme == "dark" else "") + ("" if lang == "en" else f"-{lang}")
        await page.evaluate(ANYWHERE, str(ROOT))
        path = SCREENS / f"{state}{suffix}.png"
        await page.screenshot(path=path, animations="disabled", caret="hide")


def row(page: Page, text: str) -> Locator:
    return page.locator(".view:visible tr", has_text=text)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("theme", "lang"), [("light", "en"), ("dark", "ko")])
async def test_every_state_of_the_operators_page_is_open_to_all(
    browser: Browser, up: Up, token: str, people: dict[str, Any], theme: Theme, lang: str
):
    async with looking(browser, up, theme, lang) as page:
        await page.goto(f"{up.url}/operators")
        await expect(page.locator("#entry")).to_be_visible()
        await at(page, "operators-entry", theme, lang)
        await page.locator("#access [type=submit]").click()
        await expect(page.locator("#token-error")).to_be_visible()
        await enter(page, up, token)
        await expect(row(page, "desk.fail")).to_be_visible()
        await at(page, "operators-now", theme, lang)
        await page.set_viewport_size({"width": WALL[0], "height": WALL[1]})
        await at(page, "operators-wall", theme, lang)
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await at(page, "operators-phone", theme, lang)
        await page.goto(f"{up.url}/operators#tasks")
        await expect(row(page, "images.resize").first).to_be_visible()
        await at(page, "operators-tasks-phone", theme, lang)
        await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        await at(page, "operators-tasks", theme, lang)
        await row(page, "demo.steps").locator("a.title").click()
        await expect(page.locator(".timeline")).to_be_visible()
        await at(page, "operators-task", theme, lang)
        await page.locator('.views [href="#failures"]').click()
        await page.locator("summary").first.click()
        await expect(page.locator(".trace").first).to_be_visible()
        await at(page, "operators-failures", theme, lang)
        await page.locator('.views [href="#aside"]').click()
        await expect(page.locator("#view-aside .nothing").first).to_be_visible()
        await at(page, "operators-aside", theme, lang)
        await page.context.set_offline(True)
        await expect(page.locator("#away")).to_be_visible()
        await at(page, "operators-offline", theme, lang)
        await page.context.set_offline(False)
        await expect(page.locator("#away")).to_be_hidden()
        await page.route("**/api/notify/admin/**", lambda route: route.fulfill(status=503))
        await expect(page.locator("#away")).to_be_visible(timeout=20_000)


async def test_only_a_good_token_of_the_scope_admin_opens_it(browser: Browser, up: Up, token: str):
    async with looking(browser, up) as page:
        await enter(page, up, token[:-4] + "AAAA")
        await expect(page.locator("#access-message")).to_contain_text("not good")
        await expect(page.locator("#token")).to_be_focused()
        await enter(page, up, "한글")
        await expect(page.locator("#token-error")).to_contain_text("no access token")
        mine = Person.signed_up(up.url).http.post(
            "/api/submit/access-tokens", json={"name": "script"}
        )
        await enter(page, up, mine.json()["token"])
        await expect(page.locator("#refused")).to_be_visible()
        assert await violations(page) == []
        await page.screenshot(path=SCREENS / "operators-refused.png", caret="hide")
        await expect(page.locator("#views")).to_be_hidden()
        await page.locator("#other-token").click()
        await expect(page.locator("#token")).to_be_focused()
        await page.locator("#token").fill(token)
        await page.locator("#access button").click()
        await expect(page.locator("#views")).to_be_visible()  # the other one counts, at once


@pytest.mark.usefixtures("people")
async def test_the_token_is_nowhere_unless_it_is_to_be_kept(browser: Browser, up: Up, token: str):
    stored = (
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    async with looking(browser, up) as page:
        asked = list[str]()
        page.on("request", lambda request: asked.append(request.url))
        await enter(page, up, token)
        await expect(row(page, "desk.").first).to_be_visible()
        assert token not in await page.evaluate(stored)
        assert not any(token in url for url in asked)
        await page.reload()
        await expect(page.locator("#token")).to_be_visible()
        await enter(page, up, token, keep=True)
        await page.reload()
        await expect(row(page, "desk.").first).to_be_visible()
        other = await page.context.new_page()
        await other.goto(f"{up.url}/operators")
        await expect(other.locator("#token")).to_be_visible()
        await page.locator("#leave").click()
        assert token not in await page.evaluate(stored)
        await page.reload()
        await expect(page.locator("#token")).to_be_visible()


@pytest.mark.usefixtures("people")
async def test_a_tab_that_nobody_sees_asks_for_nothing(browser: Browser, up: Up, token: str):
    async with looking(browser, up) as page:
        await page.clock.install()
        asked = list[str]()
        page.on("request", lambda request: asked.append(request.url))
        await enter(page, up, token)
        await expect(row(page, "desk.").first).to_be_visible()
        hide = """(state) => {
            const now = { value: state, configurable: true };
            Object.defineProperty(document, "visibilityState", now);
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
        await page.evaluate(hide, "hidden")
        asked.clear()
        await page.clock.run_for(60_000)
        assert asked == []
        async with page.expect_request("**/api/notify/admin/queues"):
            await page.evaluate(hide, "visible")
        async with page.expect_response("**/api/notify/admin/rates"):
            await page.clock.run_for(6_000)


async def test_tasks_are_found_opened_and_stopped(
    browser: Browser, up: Up, token: str, people: dict[str, Any]
):
    async with looking(browser, up) as page:
        await enter(page, up, token, view="#tasks")
        await page.get_by_label("Owner").fill("local:ada")
        await page.get_by_label("Status").select_option("failed")
        await page.keyboard.press("Enter")
        await expect(page.locator("#view-tasks tbody tr")).to_have_count(1)
        await page.reload()
        await enter(page, up, token, view="#tasks?owner=local%3Aada&status=failed")
        await expect(page.locator("#view-tasks tbody tr")).to_have_count(1)
        await page.get_by_label("Owner").fill("nobody")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.get_by_text("No task matches.")).to_be_visible()
        await page.get_by_role("link", name="Show all").click()
        gate = str(people["gate"]) + "-never"
        bob = Person.signed_in(up.url, "bob")
        bob.submit("desk.hold", percent=40, gate=gate, message="held")
        held = row(page, "desk.hold").filter(has_text="local:bob")
        await expect(held.locator(".status")).to_have_text("Running", timeout=20_000)
        await held.locator("a").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#task-heading")).to_be_focused()
        await page.get_by_role("button", name="Cancel", exact=True).click()
        await expect(page.get_by_text("Asked to stop.").first).to_be_visible()
        await expect(page.locator(".status")).to_have_text("Cancelled", timeout=20_000)
        await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
        await page.go_back()
        await expect(page.locator("#tasks-heading")).to_be_visible()


async def test_a_failure_is_found_by_the_reference_that_its_owner_reads(
    browser: Browser, up: Up, token: str, people: dict[str, Any]
):
    error = people["error"]
    async with looking(browser, up) as page:
        await enter(page, up, token, view="#failures")
        await page.get_by_label("Reference").fill(error["reference"])
        await page.keyboard.press("Enter")
        rows = page.locator("#view-failures tbody tr")
        await expect(rows).to_have_count(1)
        await page.locator("summary").click()
        await expect(page.locator(".trace")).to_contain_text("Traceback")
        await rows.locator("a").click()
        await expect(page.locator(".timeline pre")).to_contain_text("Traceback")
        await page.goto(f"{up.url}/operators#task?id={people['tasks']['raised']}&owner=local:ada")
        await expect(page.locator("#task-heading")).to_contain_text("not there")


@pytest.mark.usefixtures("people")
async def test_a_queue_and_a_type_are_paused_with_a_reason_and_go_on(
    browser: Browser, up: Up, token: str
):
    async with looking(browser, up) as page:
        await enter(page, up, token)
        await page.get_by_role("button", name="Pause: images.resize").click()
        dialog = page.get_by_role("dialog")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await page.get_by_role("button", name="Pause: images.resize").click()
        await dialog.get_by_label("Reason").fill("the store is moved")
        await page.keyboard.press("Enter")
        paused = row(page, "images.resize")
        await expect(paused).to_contain_text("by operator:ann: the store is moved")
        assert await violations(page) == []
        cleo = Person.signed_up(up.url)
        task = cleo.submit("images.resize", urls=["a"])
        cleo.follow(lambda: task in cleo.tasks, "accepted")
        assert cleo.tasks[task]["status"] == "queued"
        cells = page.get_by_role("table", name="Queues").locator("tr", has_text="default")
        await expect(cells.locator("td").nth(1)).to_have_text("1")
        await expect(cells.locator("td").nth(3)).to_contain_text("sec")
        held = page.get_by_role("table", name="Workers").locator("a", has_text="desk.hold")
        await expect(held.first).to_be_visible()
        await page.get_by_role("button", name="Resume: images.resize").click()
        await expect(paused).not_to_contain_text("Paused")
        cleo.follow_to_end(task)


async def test_all_that_match_are_stopped_once_it_was_said_which(
    browser: Browser, up: Up, token: str
):
    dora = Person.signed_up(up.url)
    gate = str(up.data.parent / "never")
    held = [dora.submit("desk.single", gate=gate) for _ in range(3)]
    async with looking(browser, up) as page:
        await enter(page, up, token, view=f"#tasks?owner=local%3A{dora.name}")
        await expect(page.locator("#view-tasks tbody tr")).to_have_count(3)
        await page.get_by_role("button", name="Cancel…").click()
        await expect(page.get_by_text("3 tasks would be changed.")).to_be_visible(timeout=30_000)
        assert await violations(page) == []
        await page.screenshot(path=SCREENS / "operators-bulk.png", caret="hide")
        dora.poll()
        assert not any(map(dora.has_ended, held))
        await page.get_by_role("button", name="Do it for 3").click()
        await expect(page.get_by_text("Done: 3 of 3. 0 refused.")).to_be_visible(timeout=30_000)
        dora.follow_to_end(*held)
        assert dora.statuses() == {"cancelled": 3}
        await page.get_by_role("link", name="See it as a task").click()
        await expect(page.locator("#task-heading")).to_be_focused()


async def test_dead_letters_are_redriven_and_dropped(browser: Browser, up: Up, token: str):
    letters = [
        {"id": f"0:{n}-0", "stream": "log", "entry": f"{n}-0", "reason": "odd", "age_seconds": n}
        for n in (1, 2)
    ]  # fmt: skip
    sent = list[Any]()
    async with looking(browser, up) as page:

        async def shown(route: Route) -> None:
            await route.fulfill(json={"dead_letters": letters})

        async def done(route: Route) -> None:
            ids: list[str] = json.loads(route.request.post_data or "")["ids"]
            sent.append((route.request.url.rpartition("/")[2], ids))
            letters[:] = [each for each in letters if each["id"] not in ids]
            outcomes = [{"id": each, "done": True, "reason": None} for each in ids]
            await route.fulfill(json={"outcomes": outcomes})

        await page.route("**/api/notify/admin/dead-letters", shown)
        await page.route("**/api/submit/admin/dead-letters/*", done)
        await enter(page, up, token, view="#aside")
        await page.get_by_role("button", name="Redrive: 1-0").click()
        await expect(page.get_by_text("1 done, 0 not.")).to_be_visible()
        await expect(row(page, "1-0")).to_have_count(0)
        await page.get_by_role("button", name="Drop: 2-0").click()
        await page.get_by_role("button", name="Leave it").click()
        await page.get_by_role("button", name="Drop: 2-0").click()
        await page.get_by_role("dialog").get_by_role("button", name="Drop").click()
        await expect(page.get_by_text("There is no dead letter.")).to_be_visible()
        assert sent == [("redrive", ["0:1-0"]), ("drop", ["0:2-0"])]
