"""Errors keep their type, text and context on the wire."""

import pytest

from hokusai.runner import errors


@pytest.mark.parametrize("kind", errors.BY_CODE.values())
def test_an_error_survives_the_wire(kind: type[errors.RunnerError]) -> None:
    found = errors.from_wire(errors.to_wire(kind("what happened", row=2, column="a")))
    assert type(found) is kind
    assert (found.message, found.context) == ("what happened", {"row": 2, "column": "a"})


def test_invalid_input_names_row_and_column() -> None:
    error = errors.InvalidInput("no", row=3, column="b")
    assert (error.row, error.column) == (3, "b")
    assert (errors.InvalidInput("no").row, errors.InvalidInput("no").column) == (None, None)


@pytest.mark.parametrize("body", [None, [], "text"])
def test_what_is_no_error_is_a_protocol_error(body: object) -> None:
    assert type(errors.from_wire(body)) is errors.ProtocolError


def test_an_unknown_code_is_still_an_error_of_the_runner() -> None:
    assert type(errors.from_wire({"code": "new", "message": "m"})) is errors.RunnerError
