"""The page in a real browser against the real thing: from a form to 100 %."""

import os
import re
import signal
from collections.abc import AsyncGenerator, Iterator
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import ConsoleMessage, Page, Request, expect

from person import PASSWORD, Person
from up_process import ROOT, Up
from waiting import wait_for

SCREENS = ROOT / "docs" / "screens"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("page"), "--port", "0", lease_seconds="2").until_ready()
    yield running
    running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def honest(page: Page, up: Up) -> AsyncGenerator[Page]:
    """A page whose console stays silent and which asks nobody but its own origin."""
    complaints: list[str] = []
    asked: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "401" not in message.text:
            complaints.append(message.text)

    def see(request: Request) -> None:
        asked.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", see)
    yield page
    assert [line for line in complaints if "ERR_" not in line] == []
    assert [url for url in asked if not url.startswith((up.url, "data:"))] == []


async def sign_up(page: Page, up: Up, name: str | None = None) -> str:
    name = name or f"ada {uuid4().hex[:6]}"
    await page.goto(up.url)
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    return name


async def send_mail(page: Page, to: str, subject: str) -> None:
    await page.get_by_label("To", exact=True).fill(to)
    await page.get_by_label("Subject").fill(subject)
    await page.get_by_label("Body").fill("Hello\nfrom the road")
    await page.get_by_role("button", name="Send").click()


async def submit(page: Page, up: Up, task_type: str, **params: object) -> None:
    """Submit as the person signed in on the page, as an application would."""
    title = params.pop("title", task_type)
    body = {"type": task_type, "params": params, "title": title}
    answer = await page.request.post(
        f"{up.url}/api/submit/tasks", data=body, headers={"Origin": up.url}
    )
    assert answer.status == 201, await answer.text()


async def test_a_mail_goes_from_the_form_to_100(honest: Page, up: Up):
    answer = await honest.goto(up.url)
    assert answer is not None
    assert answer.status == 200
    assert await honest.get_by_role("form").or_(honest.locator("form:visible")).count() == 1
    name = await sign_up(honest, up)
    await send_mail(honest, "a@x.test, b@x.test;c@x.test\n d@x.test", "Greetings <b>!</b>")
    bar = honest.get_by_role("progressbar")
    await expect(bar).to_have_count(1)
    await expect(bar).to_have_attribute("aria-valuenow", "100")
    await expect(honest.get_by_role("progressbar", name="Mail: Greetings <b>!</b>")).to_be_visible()
    await expect(honest.get_by_text("1 unread")).to_be_visible()
    card = honest.locator(".task")
    await expect(card).to_have_attribute("data-unread", "")
    await expect(card.locator(".facts")).to_contain_text("unread")
    await honest.locator("#mark-read").focus()
    await honest.keyboard.press("Enter")
    await expect(card).not_to_have_attribute("data-unread", "")
    await expect(card.locator(".facts")).not_to_contain_text("unread")
    await expect(honest.get_by_text("1 unread")).to_be_hidden()
    person = Person(up.url, name)
    mails = person.http.get("/dev/mail").json()["mails"]
    mine = [mail for mail in mails if mail["subject"] == "Greetings <b>!</b>"]
    assert sorted(address for mail in mine for address in mail["to"]) == [
        "a@x.test", "b@x.test", "c@x.test", "d@x.test",
    ]  # fmt: skip
    assert {mail["body"].strip() for mail in mine} == {"Hello\nfrom the road"}
    await honest.reload()
    await expect(bar).to_have_attribute("aria-valuenow", "100")
    await honest.get_by_role("button", name="Close", exact=True).click()
    await expect(bar).to_have_count(0)
    await honest.reload()
    await expect(honest.get_by_text("Nothing on the road")).to_be_visible()
    await expect(bar).to_have_count(0)


async def test_several_tasks_each_have_a_bar_of_their_own(honest: Page, up: Up):
    await sign_up(honest, up)
    resize, send, load = "Resize 40 images", "Send the invoices", "Import addresses"
    await submit(honest, up, "demo.steps", title=resize, steps=40, seconds=5)
    await submit(honest, up, "demo.steps", title=send, steps=3, seconds=0.2)
    await submit(honest, up, "demo.steps", title=load, steps=4, seconds=0.2, fail_at=3)
    bars = honest.get_by_role("progressbar")
    await expect(bars).to_have_count(3)
    failed = honest.locator('[data-status="failed"]')
    await expect(failed).to_have_count(1)
    await expect(failed).to_contain_text("reference")
    assert await failed.get_by_role("progressbar").get_attribute("aria-valuenow") == "50"
    await expect(honest.locator('[data-status="succeeded"]')).to_have_count(1)
    await expect(honest.get_by_role("button", name="Close", exact=True)).to_have_count(2)
    await expect(honest.locator('[data-status="running"]')).to_have_count(1)
    moving = honest.get_by_role("progressbar", name=resize)
    await expect(moving).to_have_attribute("aria-valuenow", re.compile(r"^([3-9]\d|100)$"))
    SCREENS.mkdir(parents=True, exist_ok=True)
    await honest.set_viewport_size({"width": 1280, "height": 900})
    await honest.screenshot(path=SCREENS / "page.png", animations="disabled")
    await honest.set_viewport_size({"width": 390, "height": 844})
    await honest.screenshot(path=SCREENS / "page-phone.png", animations="disabled")
    await expect(honest.locator('[data-status="succeeded"]')).to_have_count(2)


async def test_a_crashed_worker_is_told_as_attempt_2(honest: Page, up: Up):
    await sign_up(honest, up)
    await submit(honest, up, "demo.steps", steps=10, seconds=1, crash_at=6)
    await expect(honest.get_by_text("attempt 2")).to_be_visible(timeout=20_000)
    await expect(honest.get_by_role("progressbar")).to_have_attribute(
        "aria-valuenow", "100", timeout=20_000
    )


async def test_the_page_survives_a_restart_of_the_server(honest: Page, up: Up):
    await sign_up(honest, up)
    await submit(honest, up, "demo.steps", steps=100, seconds=6)
    bar = honest.get_by_role("progressbar")
    await expect(bar).to_have_count(1)
    before = up.children()
    for name in ("web", "valkey"):
        os.kill(before[name], signal.SIGKILL)
    wait_for(lambda: up.children().get("web", before["web"]) != before["web"], "web again")
    await expect(bar).to_have_attribute("aria-valuenow", "100", timeout=30_000)
    await expect(honest.get_by_text("Reconnecting")).to_be_hidden()


async def test_what_is_closed_in_one_tab_is_gone_in_the_other(honest: Page, up: Up):
    await sign_up(honest, up)
    await submit(honest, up, "demo.steps", steps=1, seconds=0)
    other = await honest.context.new_page()
    await other.goto(up.url)
    bar = honest.get_by_role("progressbar")
    await expect(bar).to_have_attribute("aria-valuenow", "100")
    await expect(other.get_by_role("progressbar")).to_have_count(1)
    await other.get_by_role("button", name="Close", exact=True).click()
    await expect(bar).to_have_count(0)


async def test_bad_input_is_said_in_words(honest: Page, up: Up):
    await honest.goto(up.url)
    await honest.get_by_label("Username").fill("bob")
    await honest.get_by_label("Password").fill("short")
    await honest.get_by_role("button", name="Sign up").click()
    await expect(honest.locator("#session-password-error")).to_contain_text("12")
    await honest.get_by_label("Password").fill("wrong password here")
    await honest.get_by_role("button", name="Sign in").click()
    await expect(honest.locator("#session-message")).to_contain_text("wrong")
    await sign_up(honest, up)
    await send_mail(honest, "not an address", "s")
    await expect(honest.locator("#mail-to-error")).not_to_be_empty()
    await expect(honest.get_by_role("progressbar")).to_have_count(0)


async def test_scripts_in_what_people_write_never_run(honest: Page, up: Up):
    script = "<img src=x onerror=\"document.title='broken'\">"
    await sign_up(honest, up, f"{script[:30]}{uuid4().hex[:6]}")
    await send_mail(honest, "a@x.test", script)
    bar = honest.get_by_role("progressbar")
    await expect(bar).to_have_attribute("aria-valuenow", "100")
    assert "broken" not in await honest.title()
    assert await honest.locator("img[src=x]").count() == 0


async def test_a_mail_that_nobody_gets_says_so(honest: Page, up: Up):
    await sign_up(honest, up)
    await send_mail(honest, "refused@x.test, b@refused.test", "To none of them")
    card = honest.locator(".task", has_text="To none of them")
    await expect(card).to_contain_text("Not sent")
    await expect(card).to_contain_text(
        "Sent to nobody, refused for 2 addresses: refused@x.test (550"
    )
    await expect(card).to_have_attribute("data-worry", "")
    await expect(card).not_to_contain_text("Succeeded")
    await expect(card).not_to_contain_text("count")
    many = ", ".join(f"refused{'' if n < 1 else f'+{n}'}@{n}.refused.test" for n in range(5))
    await send_mail(honest, f"good@x.test, {many}", "To some")
    some = honest.locator(".task", has_text="To some")
    await expect(some).to_contain_text("Sent to some")
    await expect(some).to_contain_text("Sent to 1 address, refused for 5 addresses: ")
    await some.get_by_text("More").click()
    await expect(some).to_contain_text("refused+4@4.refused.test (550")
    await send_mail(honest, "good@x.test", "To all")
    well = honest.locator(".task", has_text="To all")
    await expect(well).to_contain_text("Succeeded")
    await expect(well).to_contain_text("Sent to 1 address.")
    await expect(well).not_to_contain_text("efused")
    await expect(well).not_to_have_attribute("data-worry", "")
    if folder := os.environ.get("MILEPOST_TEST_SCREENS"):
        await honest.screenshot(path=f"{folder}/mails.png", full_page=True)


async def test_what_a_schema_refuses_is_said_in_words(page: Page, up: Up):
    await sign_up(page, up)
    await send_mail(page, "a@-x.test", "Hello")
    await expect(page.locator("#mail-to-error")).to_have_text("“a@-x.test” is not an address.")
    await send_mail(page, "a@x.test", "x" * 501)
    refused = page.locator("#mail-subject-error")
    await expect(refused).to_have_text("Subject is too long: at most 500 characters.")
    await expect(page.locator("#mail-to-error")).to_be_hidden()


async def test_caught_mail_is_a_click_away_newest_first(honest: Page, up: Up):
    await sign_up(honest, up)
    for subject in ("Older", "Newer"):
        await send_mail(honest, "a@x.test", subject)
        bar = honest.get_by_role("progressbar", name=f"Mail: {subject}")
        await expect(bar).to_have_attribute("aria-valuenow", "100")
    await honest.get_by_role("link", name="Read it").click()
    await expect(honest.get_by_role("heading", level=2).first).to_have_text("Newer")
    if folder := os.environ.get("MILEPOST_TEST_SCREENS"):
        await honest.screenshot(path=f"{folder}/caught.png")


async def test_time_left_stands_still_while_nothing_is_heard(honest: Page, up: Up):
    await sign_up(honest, up)
    await submit(honest, up, "demo.steps", steps=200, seconds=60)
    left = honest.get_by_text(re.compile(r"about \d+ seconds left"))
    await expect(left).to_be_visible(timeout=20_000)
    await honest.context.set_offline(True)
    await expect(honest.locator(".connection")).to_be_visible(timeout=40_000)
    said = await left.text_content()
    seen = await honest.evaluate(
        """() => new Promise((done) => {
            const seen = new Set();
            const { shadowRoot } = document.querySelector("milepost-tasks");
            const look = () => seen.add(shadowRoot.querySelector(".facts").textContent);
            const every = setInterval(look, 100);
            setTimeout(() => { clearInterval(every); done([...seen]); }, 3500);
        })"""
    )
    assert seen == [said]
    await honest.context.set_offline(False)
