import pytest

from contributions.likeness import seen_rows
from registry.algorithms.tables import TableError, read_table


def rows(text: str, *features: str) -> set[bytes]:
    return seen_rows(read_table(text.encode(), "csv"), features or ("a", "b"))


PLAIN = "a,b,label\n1,2.5,x\n3,,y\n"


@pytest.mark.parametrize(
    "copy",
    [
        "a,b,label\n1,2.5,y\n3,,y\n",
        "a,b,label\n1.0,2.5,x\n3.0,,y\n",
        "label,b,a\nx,2.5,1\ny,,3\n",
        "a,b,label\n3,nan,y\n1,2.50,x\n",
        "a,note,b\n1,first,2.5\n3,second,\n",
        "a,b\n1,2.5\n1,2.5\n3,\n",
    ],
    ids=["labels", "types", "columns", "order", "extra column", "repeats"],
)
def test_a_copy_in_another_shape_has_the_same_rows(copy: str) -> None:
    assert rows(copy) == rows(PLAIN)


def test_zero_has_one_spelling() -> None:
    assert rows("a,b\n-0.0,1\n") == rows("a,b\n0,1\n")


def test_another_value_or_another_place_is_another_row() -> None:
    assert rows("a,b\n1,2\n").isdisjoint(rows("a,b\n2,1\n"))
    assert rows("a,b\n1,2\n").isdisjoint(rows("a,b\n1,2.0000001\n"))


@pytest.mark.parametrize("text", ["a,label\n1,x\n", "a,b\n1,word\n"])
def test_a_table_without_the_features_has_no_such_rows(text: str) -> None:
    with pytest.raises(TableError):
        rows(text)
