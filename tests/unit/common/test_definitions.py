"""A function becomes a task type: its annotations say what may be sent."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from milepost import Progress, task
from milepost.errors import ParamsChanged


class Size(BaseModel):
    width: int


def test_parameters_become_a_schema_and_progress_is_none_of_them():
    @task("unit.resize")
    def resize(urls: list[str], progress: Progress, width: int = 5) -> None:
        """Resize images."""

    schema = resize.announcement.params_schema
    assert set(schema["properties"]) == {"urls", "width"}
    assert schema["required"] == ["urls"]
    assert schema["additionalProperties"] is False
    assert resize.announcement.description == "Resize images."
    assert resize.announcement.public is False
    progress = Progress()
    assert resize.arguments({"urls": ["a"]}, progress) == {
        "urls": ["a"], "width": 5, "progress": progress,
    }  # fmt: skip


def test_one_pydantic_model_is_the_params():
    @task("unit.model")
    def with_model(size: Size) -> int:
        return size.width

    assert with_model.arguments({"width": 3}, Progress()) == {"size": Size(width=3)}
    assert with_model(Size(width=4)) == 4


def test_params_a_function_no_longer_wants_are_refused():
    @task("unit.changed")
    def changed(count: int) -> None: ...

    with pytest.raises(ParamsChanged):
        changed.arguments({"count": "many"}, Progress())


def test_a_parameter_without_annotation_is_refused_at_definition():
    def vague(thing) -> None: ...  # pyright: ignore  # the fault is the test

    with pytest.raises(TypeError, match="thing"):
        task("unit.vague")(vague)  # pyright: ignore[reportUnknownArgumentType]  # the fault is the test


def test_a_name_is_taken_once():
    def define(function: Any) -> None:
        task("unit.twice")(function)

    def first() -> None: ...
    def second() -> None: ...

    define(first)
    with pytest.raises(TypeError, match="twice"):
        define(second)


@pytest.mark.parametrize("name", ["", "Upper", "a b", "a..b", "a/b", "x" * 101])
def test_a_name_that_is_none_is_refused(name: str):
    def function() -> None: ...

    with pytest.raises(ValidationError):
        task(name)(function)
