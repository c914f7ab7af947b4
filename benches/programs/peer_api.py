"""What `poll` compares with: FastAPI alone, and FastAPI with one XADD. Served by uvicorn."""

import os
from typing import Any

import redis.asyncio
from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI()
server: Any = redis.asyncio.Redis.from_url(os.environ["MILEPOST_REDIS_URL"])  # pyright: ignore[reportUnknownMemberType]  # untyped


class NewTask(BaseModel):
    """What is checked of a request."""

    type: str = Field(max_length=100)
    params: dict[str, Any]


@app.get("/bare")
async def bare() -> dict[str, Any]:
    """Answer as an idle poll does, knowing nothing."""
    return {"notifications": [], "cursor": "0-0-0-0", "gap": False, "next_poll_ms": 250}


@app.post("/tasks", status_code=201)
async def create(task: NewTask) -> dict[str, str]:
    """Append what was asked for, about 300 bytes."""
    entry = await server.xadd(
        "peer", {"type": task.type, "data": task.model_dump_json(), "rest": "x" * 200}
    )
    return {"id": entry.decode(), "type": task.type, "status": "queued"}
