import pytest

from deployments.examples import example_finding, example_rows
from registry.models import ModelVersion

SIGNATURE = {"inputs": [{"name": "a"}, {"name": "b"}, {"name": "c", "required": False}]}


@pytest.mark.parametrize(
    "given",
    [
        {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
        {"dataframe_records": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
        [{"a": 1, "b": 2}, {"a": 3, "b": 4}],
    ],
)
def test_every_form_of_a_table_gives_its_rows(given):
    version = ModelVersion(input_example=given)
    assert example_rows(version) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


@pytest.mark.parametrize(
    "given",
    [None, [], [1, 2], "text", {"inputs": [[1]]}, {"columns": ["a"], "data": [[1, 2]]}, {"a": 1}],
)
def test_what_is_no_table_gives_none(given):
    assert example_rows(ModelVersion(input_example=given)) is None


def test_a_long_example_is_cut():
    assert len(example_rows(ModelVersion(input_example=[{"a": 1}] * 50))) == 5


def test_an_example_that_lacks_a_column_is_told_of_and_keeps_nobody():
    found = example_finding(ModelVersion(input_example=[{"a": 1}], signature=SIGNATURE))
    assert (found.passed, found.blocking) == (False, False)
    assert "'b'" in found.reason


def test_an_example_with_all_that_is_required_will_be_asked():
    version = ModelVersion(input_example=[{"a": 1, "b": 2}], signature=SIGNATURE)
    assert example_finding(version).passed
