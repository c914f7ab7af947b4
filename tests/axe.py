"""Looks for what keeps people out of a page, by axe-core (WCAG 2.2 AA and its best practices)."""

from typing import Any

from playwright.async_api import Page

from milepost_cli.frontend import FOLDER, install

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(page: Page) -> list[str]:
    """Each rule that the page breaks now, with the elements that break it."""
    wrong = install()
    assert wrong is None, wrong
    source = (FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text()
    await page.evaluate(f"window.axe || (() => {{ {source} }})()")
    found: dict[str, Any] = await page.evaluate(
        "(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS
    )
    return [
        f"{rule['id']}: {rule['help']}: {[node['target'] for node in rule['nodes']]}: "
        f"{rule['nodes'][0].get('failureSummary')}"
        for rule in found["violations"]
    ]
