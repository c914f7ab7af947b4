"""The album's task."""

import asyncio

from milepost import Progress, task


@task("album.resize", title="Resize photos")
async def resize(photos: list[str], progress: Progress) -> dict[str, int]:
    """Make photos smaller."""
    for photo in progress.track(photos, resume=True, message="resizing"):
        await asyncio.sleep(0.2)  # pixels take their time
        progress.log(f"{photo} is smaller")
    return {"resized": len(photos)}
