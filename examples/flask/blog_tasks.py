"""The blog's task. Workers import it; the application too, to submit it."""

import time
from typing import Any

from milepost import Progress, task

POSTS = [f"Post number {number}" for number in range(1, 6)]


@task("blog.export", title="Export your posts", max_attempts=3)
def export_posts(username: str, progress: Progress) -> dict[str, Any]:
    """Collect somebody's posts."""
    found: list[dict[str, str]] = []
    for post in progress.track(POSTS, message="exporting"):
        found.append({"by": username, "post": post})
        time.sleep(0.2)  # a database takes its time
    return {"posts": found}
