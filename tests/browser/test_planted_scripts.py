"""Scripts planted in every field that a person, a task or a mail server can fill: none of them
runs.

Once under our policy, and once in a browser told to ignore it, so that it is the page and not the
policy which is shown to be safe.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from person import PASSWORD
from up_process import Up

RUN = "window.planted=1"
PLANTS = [
    f"<img src=x onerror={RUN}>",
    f"<script>{RUN}</script>",
    f"<svg onload={RUN}>",
    f"\"'><iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"javascript:{RUN}",
    f"</textarea></title></style><b onpointerenter={RUN}>",
]
ALL = " ".join(PLANTS)

TASKS = f"""
from milepost import Fail, Progress, task

PLANT = {ALL!r}

@task("planted.all", title=PLANT[:200], public=True, max_attempts=1)
def everything(params_too: dict[str, str], fails: bool, progress: Progress) -> dict[str, object]:
    progress.log(PLANT)
    with progress.step(PLANT):
        progress.report(50, message=PLANT)
    if fails:
        raise Fail(PLANT)
    return {{PLANT: [PLANT], "url": "javascript:{RUN}", "link": {{"href": "javascript:{RUN}"}}}}
"""

WATCH = """
window.planted = 0;
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refused.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""

ALIVE = """() => {
  const roots = [document];
  for (const root of roots)
    for (const each of root.querySelectorAll("*")) if (each.shadowRoot) roots.push(each.shadowRoot);
  const all = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
  return [
    ...all("img[src=x], iframe, svg[onload], [onerror], [onpointerenter]"),
    ...all("script").filter((each) => !each.src),
    ...all("[href], [src], [action]").filter((each) =>
      ["href", "src", "action"].some((name) =>
        (each.getAttribute(name) ?? "").trim().toLowerCase().startsWith("javascript:"))),
  ].map((each) => each.outerHTML);
}"""
"""What of the page is an element that a script would be planted in, in every shadow root too."""


@dataclass
class Visitor:
    """A page that notices what runs in it, and whom it asks."""

    page: Page
    url: str
    dialogs: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    async def look(self) -> None:
        """Open whatever opens, then see that nothing has come alive."""
        for opener in await self._openers():
            if await opener.is_visible():
                await opener.click()
        await expect(self.page.get_by_text("Loading…").locator("visible=true")).to_have_count(0)
        for found in await self.page.locator("*:visible").filter(has_text="onerror").all():
            await found.hover(force=True, timeout=1000)
        assert await self.page.evaluate("window.planted") == 0
        assert await self.page.evaluate("window.refused") == []
        assert await self.page.evaluate(ALIVE) == []
        assert self.dialogs == []
        assert [each for each in self.asked if not each.startswith(self.url)] == []

    async def _openers(self) -> list[Locator]:
        summaries = await self.page.locator("summary").all()
        buttons = self.page.get_by_role("button", name=re.compile("^(more|details|history)", re.I))
        return [*summaries, *await buttons.all()]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted_tasks.py").write_text(TASKS)
    running = Up(folder, "--port", "0", "--tasks", "planted_tasks").until_ready()
    yield running
    running.close()


@pytest_asyncio.fixture(
    params=["under our policy", "with the policy ignored"], loop_scope="session"
)
async def visitor(
    request: pytest.FixtureRequest, browser: Browser, up: Up
) -> AsyncGenerator[Visitor]:
    context = await browser.new_context(bypass_csp=request.param != "under our policy")
    await context.add_init_script(WATCH)
    visitor = Visitor(await context.new_page(), up.url)
    visitor.page.on("dialog", lambda dialog: visitor.dialogs.append(dialog.message))
    visitor.page.on("request", lambda request: visitor.asked.append(request.url))
    yield visitor
    await context.close()


async def test_no_planted_script_runs_in_the_page_or_the_caught_mail(visitor: Visitor, up: Up):
    page = visitor.page
    await page.goto(up.url)
    await page.get_by_label("Username").fill(f"{uuid4().hex[:6]}{PLANTS[0]}"[:64])
    await page.get_by_label("Password").fill(f"{PLANTS[1]}{PASSWORD}")
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("button", name="Send")).to_be_visible()
    await page.get_by_label("To", exact=True).fill(f"{PLANTS[0]}@x.test")
    await page.get_by_label("Subject").fill(ALL)
    await page.get_by_label("Body").fill(ALL)
    await page.get_by_role("button", name="Send").click()  # refused: no address, but shown
    await visitor.look()
    await page.get_by_label("To", exact=True).fill("a@x.test, refused@x.test")
    await page.get_by_label("Subject").fill(ALL)
    await page.get_by_label("Body").fill(ALL)
    await page.get_by_role("button", name="Send").click()
    for fails in (False, True):
        body = {
            "type": "planted.all",
            "title": ALL[:200],
            "tags": [plant[:64] for plant in PLANTS],
            "params": {"params_too": {ALL: ALL}, "fails": fails},
        }
        answer = await page.request.post(
            f"{up.url}/api/submit/tasks", data=body, headers={"Origin": up.url}
        )
        assert answer.status == 201, await answer.text()
    await expect(page.get_by_role("progressbar")).to_have_count(3)
    await expect(page.get_by_role("button", name="Close", exact=True)).to_have_count(3)
    await visitor.look()
    await expect(page.locator(".panel", has_text="onerror")).to_have_count(3)
    await page.reload()
    await expect(page.get_by_role("progressbar")).to_have_count(3)
    await visitor.look()

    await page.goto(f"{up.url}/dev/mail")
    await expect(page.get_by_role("heading", level=2).first).to_contain_text("onerror")
    await visitor.look()


async def test_answers_are_never_taken_for_pages(visitor: Visitor, up: Up):
    """What people wrote comes back in problems too: opened as a page it stays text."""
    page = visitor.page
    for path in (
        f"/api/submit/{PLANTS[0]}",
        f"/api/notify/tasks?limit={PLANTS[1]}",
        f"/{PLANTS[0]}",
    ):
        answer = await page.goto(f"{up.url}{path}")
        assert answer is not None
        assert answer.status in (401, 404, 422)
        assert "html" not in answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert await page.evaluate("window.planted") == 0
        assert await page.locator("img[src=x], script:not([src])").count() == 0
