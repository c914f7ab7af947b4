"""Owns the list of task types that may be submitted. Changes nothing."""

from fastapi import APIRouter, Request

from milepost import bulk
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Known
from milepost_service.bodies import strict_route
from milepost_submit.parts import parts_of
from milepost_submit.requests import TaskTypeAnswer

router = APIRouter(
    prefix="/api/submit", route_class=strict_route(), responses=PROBLEM_RESPONSES, tags=["tasks"]
)


@router.get("/task-types")
async def task_types(request: Request, who: Known) -> list[TaskTypeAnswer]:
    """List what the caller may submit: applications' backends all types, others the public ones."""
    types = await parts_of(request).catalogue.types()
    offered = [types[name].type for name in sorted(types)]
    return [
        TaskTypeAnswer(
            name=task_type.name,
            title=task_type.title,
            description=task_type.description,
            queue=task_type.queue,
            public=task_type.public,
            params_schema=task_type.params_schema,
        )
        for task_type in offered
        if (task_type.public or "service" in who.scopes) and task_type.name != bulk.TYPE
    ]
