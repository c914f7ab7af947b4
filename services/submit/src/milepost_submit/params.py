"""Owns checking params against their type's JSON Schema (2020-12). No I/O: refers nowhere."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import jsonschema_rs

from milepost.problems import MAX_ERRORS, FieldError, field_error


class UnusableSchema(ValueError):
    """What was announced is no JSON Schema, or refers to another place."""


class ParamsSchema:
    """A compiled schema; `format` is asserted, values are not repeated in messages."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Compile.

        Raises:
            UnusableSchema: it is none.
        """
        self.source = schema
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, mask="the value", offline=True
            )
        except (ValueError, jsonschema_rs.ReferencingError) as err:
            raise UnusableSchema(str(err)[:200]) from err

    def errors(self, params: dict[str, Any]) -> list[FieldError]:
        """What is wrong with params, at most 20; `loc` begins with "params"."""
        return list(islice(self._errors(params), MAX_ERRORS))

    def _errors(self, params: dict[str, Any]) -> Iterator[FieldError]:
        for error in self._validator.iter_errors(params):
            yield field_error(["params", *error.instance_path], error.message)
