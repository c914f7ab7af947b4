"""Owns how a request for a task is refused: status, words, where. Decides on none."""

from collections.abc import Sequence

from milepost.errors import MilepostError
from milepost.problems import FieldError, HttpProblem


class Refusal(MilepostError):
    """A request that is not accepted; `loc` in `errors` is within the task's own object."""

    def __init__(
        self, status: int, slug: str, title: str, errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(title)
        self.status = status
        self.slug = slug
        self.title = title
        self.errors = errors

    def problem(self, *at: str | int, headers: dict[str, str] | None = None) -> HttpProblem:
        """The answer, `at` being where in the request the task stands."""
        errors = [FieldError(loc=[*at, *error["loc"]], msg=error["msg"]) for error in self.errors]
        return HttpProblem(self.status, self.slug, self.title, errors=errors, headers=headers)
