"""Owns operators' endpoint for acts on many tasks: makes the task that does it. Acts on none."""

from fastapi import APIRouter, Request, Response

from milepost import bulk as shared
from milepost_service import audit
from milepost_service.answers import PROBLEM_RESPONSES, again
from milepost_service.auth import Operator, operator
from milepost_service.bodies import strict_route
from milepost_submit.decisions import decide_bulk
from milepost_submit.parts import parts_of
from milepost_submit.refusals import Refusal
from milepost_submit.requests import BulkAnswer, BulkRequest
from milepost_submit.routers.appending import append_one
from milepost_submit.routers.asked import IdempotencyKey, fresh_id, limits_of, settings_of

router = APIRouter(
    prefix="/api/submit/admin/bulk",
    route_class=strict_route(guard=operator),
    responses=PROBLEM_RESPONSES,
    tags=["operators"],
)


@router.post("", status_code=202, responses=again(BulkAnswer))
async def bulk(
    request: Request, response: Response, body: BulkRequest, who: Operator, key: IdempotencyKey
) -> BulkAnswer:
    """Cancel, retry or redrive all tasks that a filter finds, by a task of the operator's own: its
    progress and result tell of it. 404 while no worker has announced `milepost.bulk`."""
    parts = parts_of(request)
    asked = body.filter.model_dump(exclude_none=True)
    told = " ".join(f"{name}={value}" for name, value in asked.items())
    audit.record("admin.bulk", who.owner, act=body.action, dry_run=body.dry_run, filter=told)
    types = await parts.catalogue.types({shared.TYPE})
    own = parts.commands.overseen(request, who, who.owner)
    try:
        task = decide_bulk(
            body, types, fresh_id=fresh_id(request), limits=limits_of(settings_of(request)),
            idempotency_key=key,
        )  # fmt: skip
    except Refusal as refusal:
        raise refusal.problem("body") from refusal
    answer, status, headers = await append_one(own, task, may_repeat=key is not None)
    response.status_code = 202 if status == 201 else status
    response.headers.update(headers)
    return BulkAnswer(**answer.model_dump(), owner=who.owner)
