import pytest

from deployments.predictions.table import of_columns, of_rows
from hokusai.core.errors import InvalidInput


def test_numbers_become_one_block_whichever_form_they_came_in():
    rows = of_rows([{"a": 1, "b": 2.5}, {"b": 4, "a": 3}])
    columns = of_columns(["a", "b"], [[1, 2.5], [3, 4]])
    assert rows.block.tolist() == columns.block.tolist() == [1.0, 2.5, 3.0, 4.0]
    assert (rows.count, list(rows.columns)) == (2, ["a", "b"])


def test_one_column_is_a_block_as_well():
    assert of_rows([{"a": 1}, {"a": 2}]).block.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": 1}, {"a": "x"}],
        [{"a": True}],
        [{"a": None}],
        [{"a": 1}, {"b": 1}],
        [{"a": 1, "b": 2}, {"a": 1}],
        [{"a": 1, "b": 2}, {"a": 1, "c": 2}],
        [{"a": 10**400}],
        [{}],
    ],
)
def test_what_is_no_block_stays_as_it_came_for_the_model_to_judge(rows):
    table = of_rows(rows)
    assert table.block is None
    assert list(table.as_rows()) == rows


def test_a_block_can_be_read_as_rows_again():
    assert of_columns(["a", "b"], [[1, 2], [3, 4]]).as_rows() == [
        {"a": 1.0, "b": 2.0},
        {"a": 3.0, "b": 4.0},
    ]


@pytest.mark.parametrize("value", [[1], {"x": 1}])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_a_nested_value_is_named_by_row_and_column(value, form):
    with pytest.raises(InvalidInput) as caught:
        if form == "rows":
            of_rows([{"a": 1}, {"a": value}])
        else:
            of_columns(["a"], [[1], [value]])
    assert caught.value.context == {"row": 1, "column": "a"}


def test_different_rows_have_different_canonical_bytes():
    tables = [
        of_rows([{"a": 1, "b": 2}]),
        of_rows([{"a": 2, "b": 1}]),
        of_rows([{"a": 1, "c": 2}]),
        of_rows([{"a": "1", "b": 2}]),
    ]
    seen = {(columns, bytes(values)) for columns, values in (t.canonical() for t in tables)}
    assert len(seen) == len(tables)


def test_the_order_of_names_within_rows_that_are_no_block_does_not_matter():
    one, other = of_rows([{"a": "x", "b": 2}]), of_rows([{"b": 2, "a": "x"}])
    assert one.canonical() == other.canonical()
