"""Owns the endpoint that gives an owner the file his link stands for."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from milepost.errors import InvalidToken
from milepost.exports import ExpiredLink, Export, read_ticket
from milepost.problems import HttpProblem
from milepost.records import rfc3339
from milepost.settings import Settings
from milepost_notify.export_rows import MEDIA_TYPES
from milepost_notify.owned import Gone
from milepost_notify.parts import parts_of
from milepost_notify.routers.asked import OwnerQuery
from milepost_service.answers import PROBLEM_RESPONSES
from milepost_service.auth import Reader
from milepost_service.queries import StrictQueryRoute

router = APIRouter(
    prefix="/api/notify/exports",
    responses=PROBLEM_RESPONSES,
    route_class=StrictQueryRoute,
    tags=["tasks"],
)

COUNT_HEADER = "Milepost-Task-Count"


@router.get(
    "/{ticket}",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/csv": {}, "application/json": {}},
            "description": "The tasks of an owner, newest first, as they were at one moment",
        },
        410: PROBLEM_RESPONSES[404] | {"description": "The link has expired"},
    },
)
async def export(request: Request, ticket: str, who: Reader, owner: OwnerQuery = None) -> Response:
    """The file that a link of `report.export` stands for, to its owner alone, until it expires."""
    owned = parts_of(request).queries.of(who, owner)
    settings: Settings = request.app.state.settings
    try:
        wanted = read_ticket(
            ticket, settings.secrets, owner=owned.owner, now=request.app.state.clock()
        )
        count, content = await owned.export(wanted)
    except (ExpiredLink, Gone) as err:
        raise HttpProblem(
            410, "gone", "This link has expired", "Export your tasks once more."
        ) from err
    except InvalidToken as err:  # another's link is none
        raise HttpProblem(404, "unknown-export", "No such export") from err
    return StreamingResponse(
        content,
        media_type=MEDIA_TYPES[wanted.format],
        headers={
            "Content-Disposition": f'attachment; filename="{_filename(wanted)}"',
            COUNT_HEADER: str(count),
        },
    )


def _filename(export: Export) -> str:
    day = (rfc3339(export.until.id.ms) or "")[:10]
    return f"milepost-tasks-{day}.{export.format}"
