"""Misnamed columns: the first is named, with the name that was probably meant."""

import pytest

from hokusai.runner.columns import near, same_columns
from hokusai.runner.errors import InvalidInput

NAMES = ("age", "income", "mean radius")


@pytest.mark.parametrize(
    ("given", "column", "hint"),
    [
        ({"income": 1, "mean radius": 1, "Age": 1}, "age", "'Age' was given"),
        ({"age": 1, "income": 1, "mean_radius": 1}, "mean radius", "'mean_radius' was given"),
        ({"age": 1, "income": 1}, "mean radius", "is missing."),
        ({"age": 1, "income": 1, "mean radius": 1, "zip": 1}, "zip", "knows no column 'zip'."),
    ],
)
def test_a_misnamed_column_is_answered_with_the_nearest(
    given: dict[str, int], column: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        same_columns(NAMES, given, 3)
    assert (caught.value.row, caught.value.column) == (3, column)
    assert hint in caught.value.message


def test_an_extra_column_that_is_like_an_optional_one_is_a_question() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'income'"):
        same_columns(NAMES, {"age": 1, "mean radius": 1, "imcome": 1}, None, {"income"})


def test_names_without_end_are_shown_in_part() -> None:
    with pytest.raises(InvalidInput) as caught:
        same_columns(NAMES, dict.fromkeys((*NAMES, "x" * 10_000)), 0)
    assert len(caught.value.message) < 200
    assert caught.value.column == "x" * 80


def test_nothing_alike_suggests_nothing() -> None:
    assert near("age", ["zzz", "qqq"]) == ""
