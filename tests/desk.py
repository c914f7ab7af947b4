"""What tests of the page do in it: sign up, submit, and hold tasks still by gates."""

from pathlib import Path
from uuid import uuid4

from playwright.async_api import Page, expect

from person import PASSWORD
from up_process import Up

TASKS = Path(__file__).with_name("desk_tasks.py")


def serve(folder: Path, *, leased: float = 30, cors_origins: str = "") -> Up:
    """`up` with the task types of `desk_tasks`, ready."""
    (folder / TASKS.name).write_text(TASKS.read_text())
    arguments = ("--port", "0", "--tasks", TASKS.stem)
    up = Up(folder, *arguments, lease_seconds=str(leased), cors_origins=cors_origins)
    return up.until_ready()


async def sign_up(page: Page, up: Up, name: str | None = None) -> str:
    """Make an account in the page; its name."""
    name = name or f"ada {uuid4().hex[:6]}"
    await page.goto(up.url)
    await page.locator("#session-username").fill(name)
    await page.locator("#session-password").fill(PASSWORD)
    await page.locator('#session [value="up"]').click()
    await expect(page.locator("#tasks-heading")).to_be_visible()
    if await page.locator("#unfold").is_visible():  # on a phone the form is folded at first
        await page.locator("#unfold").click()
    await expect(page.locator("#mail [type=submit]")).to_be_visible()
    return name


async def submit(page: Page, up: Up, task_type: str, title: str, **params: object) -> str:
    """Submit as the person signed in on the page, as an application would; the task's id."""
    body = {"type": task_type, "params": params, "title": title}
    answer = await page.request.post(
        f"{up.url}/api/submit/tasks", data=body, headers={"Origin": up.url}
    )
    assert answer.status == 201, await answer.text()
    return (await answer.json())["id"]
