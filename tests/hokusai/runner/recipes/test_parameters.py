import pytest

from hokusai.runner.errors import InvalidParameters
from hokusai.runner.recipes.parameters import Parameter, checked, schema_of
from hokusai.runner.recipes.scikit import ScikitLearn

STATED = ScikitLearn().parameters("classification")


def test_what_is_not_given_takes_its_default() -> None:
    assert checked({"C": 2}, STATED) == {
        "model": "logistic_regression",
        "C": 2.0,
        "max_iter": 2000,
        "missing": "refuse",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"C": "1"},
        {"C": True},
        {"C": float("nan")},
        {"max_iter": 1.5},
        {"max_iter": 0},
        {"model": "ridge"},
        {"trees": 5},
        {"nothing": 1},
    ],
)
def test_what_cannot_be_is_refused_by_its_name(given: dict[str, object]) -> None:
    with pytest.raises(InvalidParameters) as raised:
        checked(given, STATED)
    assert raised.value.context["parameter"] == next(iter(given))


def test_a_regression_has_other_parameters() -> None:
    stated = ScikitLearn().parameters("regression")
    assert checked({"alpha": 3}, stated)["alpha"] == 3.0
    with pytest.raises(InvalidParameters, match="no parameter 'C'"):
        checked({"C": 1}, stated)


def test_the_schema_states_bounds_and_defaults() -> None:
    schema = schema_of((Parameter("C", "number", 1.0, "Strength.", above=0, maximum=9),))
    assert schema["additionalProperties"] is False
    assert schema["properties"]["C"] == {
        "type": "number",
        "default": 1.0,
        "description": "Strength.",
        "exclusiveMinimum": 0,
        "maximum": 9,
    }
