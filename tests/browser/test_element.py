"""The elements in a page of another origin: by a token, under a strict policy, in its own words."""

import json
import time
from collections.abc import AsyncGenerator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from desk import serve
from foreign_page import ForeignPage
from milepost.tokens import mint
from person import new_id
from up_process import Up

SCRIPT = """
import { configure, sharedClient } from "%(url)s/milepost.js";
window.heard = [];
const note = ({ type, detail }) =>
  window.heard.push([type, detail.task.title, detail.task.status]);
for (const name of ["progress", "ended", "error"])
  document.body.addEventListener(`milepost:${name}`, note);
window.errors = [];
addEventListener("securitypolicyviolation", (event) => errors.push(event.violatedDirective));
configure({ getToken: async () => (await fetch("/token")).text(), %(more)s });
Object.assign(window, { client: sharedClient, configure });
document.documentElement.dataset.ready = "";
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, foreign: ForeignPage) -> Iterator[Up]:
    running = serve(tmp_path_factory.mktemp("element"), cors_origins=foreign.url)
    yield running
    running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(page: Page, foreign: ForeignPage, up: Up) -> AsyncGenerator[Page]:
    """The host's page, not yet opened: its console stays silent, no address has a token in it."""
    complaints: list[str] = []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console",
        lambda said: (
            complaints.append(f"{said.text} {said.location['url']}")
            if said.type == "error"
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    host(foreign, up, "<milepost-tasks></milepost-tasks>")
    yield page
    assert complaints == []
    assert await page.evaluate("errors") == []
    assert any("/api/notify/" in url for url in asked) or foreign.tokens_given == 0
    head = foreign.mint().split(".")[0]  # what every token begins with, and an export's ticket
    assert [url for url in asked if head in url and "/exports/" not in url] == []


def host(foreign: ForeignPage, up: Up, body: str, *, ttl: float = 900, more: str = "") -> None:
    """What the host's page is: `body`, and a token of `ttl` seconds for whoever asks."""
    secret = (up.data / "secret").read_text().strip()

    owner = f"shop:{new_id()}"

    def fresh() -> str:
        return mint(
            owner, secret, now=time.time(), ttl_seconds=ttl, scopes=None, tasks=None,
            audience="milepost",
        )  # fmt: skip

    foreign.mint = fresh
    foreign.tokens_given = 0
    foreign.policy = (
        f"default-src 'none'; script-src 'self' {up.url}; connect-src 'self' {up.url}; "
        "require-trusted-types-for 'script'"
    )
    foreign.script = SCRIPT % {"url": up.url, "more": more}
    foreign.html = (
        '<!doctype html><html lang="en"><title>Shop</title>'
        f'<script type="module" src="/page.js"></script><body><main>{body}</main></body></html>'
    )


async def start(page: Page, task_type: str, title: str, **params: object) -> str:
    """Submit by the element's own client, as the host's code would."""
    body = {"id": new_id(), "type": task_type, "title": title, "params": params}
    await page.locator("[data-ready]").wait_for(state="attached")
    return (await page.evaluate("(task) => client().submit(task)", body))["id"]


async def test_an_export_is_downloaded_with_the_hosts_token(shop: Page, foreign: ForeignPage):
    await shop.goto(foreign.url)
    await start(shop, "report.export", "Everything", format="json")
    async with shop.expect_download() as download:
        await shop.get_by_role("link", name="Download JSON").click()
    found = await download.value
    assert found.suggested_filename == "milepost-tasks.json"
    assert [each["title"] for each in json.loads((await found.path()).read_text())] == [
        "Everything"
    ]


async def test_a_foreign_page_shows_and_commands_tasks_by_a_token(shop: Page, foreign: ForeignPage):
    await shop.goto(foreign.url)
    await expect(shop.get_by_text("Nothing on the road")).to_be_visible()
    await start(shop, "demo.steps", "Well", steps=3, seconds=0.5)
    await start(shop, "desk.fail", "Badly", reason="The printer is out of paper.")
    await expect(shop.get_by_role("progressbar", name="Well")).to_have_attribute(
        "aria-valuenow", "100"
    )
    await expect(shop.get_by_text("The printer is out of paper.")).to_be_visible()
    heard = await shop.evaluate("heard")
    assert ["milepost:ended", "Well", "succeeded"] in heard
    assert ["milepost:ended", "Badly", "failed"] in heard
    assert ["milepost:error", "Badly", "failed"] in heard
    assert any(name == "milepost:progress" for name, *_ in heard)
    well = shop.locator(".task", has_text="Well")
    await well.get_by_role("button", name="Details").click()
    await expect(well.locator(".chart")).to_be_visible()
    await expect(well.get_by_text("Succeeded", exact=True).last).to_be_visible()
    await well.get_by_role("button", name="Details").click()
    await start(shop, "desk.hold", "To stop", percent=30, gate="/nowhere", message="holding")
    card = shop.locator(".task", has_text="To stop")
    await card.get_by_role("button", name="Cancel").click()
    await expect(card).to_have_attribute("data-status", "cancelled")
    await card.get_by_role("button", name="Retry").click()
    await expect(shop.locator(".task", has_text="To stop")).to_have_count(2)
    await shop.locator('[data-status="running"]').get_by_role("button", name="Cancel").click()
    for _ in range(4):
        await shop.get_by_role("button", name="Close", exact=True).first.click()
    await expect(shop.get_by_role("progressbar")).to_have_count(0)
    await expect(shop.get_by_text("Nothing on the road")).to_be_visible()


async def test_a_token_that_expires_is_asked_for_again(
    shop: Page, foreign: ForeignPage, up: Up, tmp_path_factory: pytest.TempPathFactory
):
    gate = tmp_path_factory.mktemp("gate") / "go"
    # With the server's leeway of 10 s a stream is good for a second more than that.
    host(foreign, up, "<milepost-tasks></milepost-tasks>", ttl=1)
    await shop.goto(foreign.url)
    await start(shop, "desk.hold", "Long", percent=50, gate=str(gate), message="holding")
    bar = shop.get_by_role("progressbar", name="Long")
    await expect(bar).to_have_attribute("aria-valuenow", "50")
    opened: list[str] = []
    shop.on("request", lambda request: opened.append(request.url))
    before = foreign.tokens_given
    for _ in range(300):
        if any("/stream" in url for url in opened):
            break
        await shop.wait_for_timeout(100)
    assert foreign.tokens_given > before, "no token was asked for when the stream had expired"
    gate.touch()
    await expect(bar).to_have_attribute("aria-valuenow", "100")
    await expect(shop.locator(".connection")).to_be_hidden()


async def test_the_badge_and_one_bar_stand_alone(shop: Page, foreign: ForeignPage, up: Up):
    host(foreign, up, "<milepost-badge></milepost-badge><milepost-progress></milepost-progress>")
    await shop.goto(foreign.url)
    task = await start(shop, "demo.steps", "One", steps=2, seconds=0.2)
    await shop.locator("milepost-progress").evaluate(
        "(bar, id) => (bar.task = id, bar.setAttribute('task', id))", task
    )
    await expect(shop.get_by_role("progressbar", name="One")).to_have_attribute(
        "aria-valuenow", "100"
    )
    await expect(shop.get_by_text("1 unread")).to_be_visible()
    await shop.evaluate("(id) => client().dismiss(id)", task)
    await expect(shop.get_by_text("unread")).to_have_count(0)


async def test_slots_attributes_and_words_are_the_hosts(shop: Page, foreign: ForeignPage, up: Up):
    body = (
        '<milepost-tasks type="demo.steps" limit="2"><p slot="empty">Nothing ordered</p>'
        '<template slot="task"><b data-field="type"></b></template></milepost-tasks>'
    )
    host(foreign, up, body, more='messages: { close: "Put away" }')
    await shop.goto(foreign.url)
    await expect(shop.get_by_text("Nothing ordered")).to_be_visible()
    await start(shop, "desk.fail", "Another type", reason="no")
    for title in ("First", "Second", "Third"):
        await start(shop, "demo.steps", title, steps=1, seconds=0)
    await expect(shop.get_by_role("progressbar")).to_have_count(2)
    await expect(shop.locator(".extra b").first).to_have_text("demo.steps")
    await shop.get_by_role("button", name="Show 1 more").click()
    await expect(shop.get_by_role("progressbar")).to_have_count(3)
    await expect(shop.get_by_text("Another type")).to_have_count(0)
    await expect(shop.get_by_role("button", name="Put away")).to_have_count(3)
    await shop.evaluate("configure({ lang: 'ko', messages: {} })")
    await expect(shop.get_by_role("button", name="닫기")).to_have_count(3)
    await shop.evaluate(
        "Promise.all(client().getSnapshot().tasks.map(({ id }) => client().dismiss(id)))"
    )


IN_A_SHADOW = """
const inner = document.getElementById("shop").attachShadow({ mode: "open" });
const style = new CSSStyleSheet();
style.replaceSync("milepost-tasks { --milepost-done: rgb(1, 2, 3) }" +
  "milepost-tasks::part(task) { border: 7px solid rgb(4, 5, 6) }");
inner.adoptedStyleSheets = [style];
const tasks = document.createElement("milepost-tasks");
tasks.setAttribute("tag", "mine");
tasks.setAttribute("filters", "");
inner.append(tasks);
"""


async def test_within_a_hosts_shadow_root_it_has_the_hosts_style_and_is_heard(
    shop: Page, foreign: ForeignPage, up: Up
):
    host(foreign, up, '<div id="shop"></div>')
    foreign.script += IN_A_SHADOW
    await shop.goto(foreign.url)
    await start(shop, "demo.steps", "Of no tag", steps=1, seconds=0)
    gate = "/nowhere"
    for title, kind, params in (
        ("Tagged", "demo.steps", {"steps": 1, "seconds": 0}),
        ("Held", "desk.hold", {"percent": 30, "gate": gate, "message": "holding"}),
    ):
        body = {"id": new_id(), "type": kind, "title": title, "params": params, "tags": ["mine"]}
        await shop.evaluate("(task) => client().submit(task)", body)
    done = shop.locator(".task", has_text="Tagged")
    await expect(done).to_have_attribute("data-status", "succeeded")
    await expect(shop.locator(".task")).to_have_count(2)
    style = await done.evaluate("(card) => getComputedStyle(card).border")
    assert style == "7px solid rgb(4, 5, 6)"
    fill = done.locator("[part~=fill]")
    colour = await fill.evaluate("(bar) => getComputedStyle(bar).backgroundColor")
    assert colour == "rgb(1, 2, 3)"
    assert ["milepost:ended", "Tagged", "succeeded"] in await shop.evaluate("heard")
    await shop.get_by_role("button", name="Active").click()
    await expect(shop.locator(".task")).to_have_count(1)
    await expect(shop.get_by_text("Held")).to_be_visible()
    await shop.get_by_role("button", name="Ended").click()
    await expect(shop.get_by_text("Tagged")).to_be_visible()
    await expect(shop.locator(".task")).to_have_count(1)
    await shop.get_by_role("button", name="All").click()
    await shop.locator(".task", has_text="Held").get_by_role("button", name="Cancel").click()
    await expect(shop.locator('[data-status="cancelled"]')).to_have_count(1)


async def test_without_a_token_it_says_that_one_has_to_sign_in(
    shop: Page, foreign: ForeignPage, up: Up
):
    host(foreign, up, "<milepost-tasks></milepost-tasks>")
    foreign.script = foreign.script.replace('(await fetch("/token")).text()', "null")
    await shop.goto(foreign.url)
    await expect(shop.get_by_text("Sign in to see your tasks.")).to_be_visible()
