import pytest
from pytest_django import Settings

from hokusai.storage import stores
from hokusai.storage.base import ContentMissing
from registry.exceptions import DatasetRefused
from registry.models import DatasetVersion
from registry.tables import limits, read_rows, schema_of


def stored(content: bytes, **fields: object) -> DatasetVersion:
    digest = stores["default"].put(content)
    return DatasetVersion(file_digest=digest, file_format="csv", **fields)


def test_a_stored_table_is_read_back() -> None:
    table = read_rows(stored(b"x,label\n1,a\n2,b\n"))
    assert table.columns == {"x": [1, 2], "label": ["a", "b"]}


def test_a_table_that_cannot_be_read_names_the_place() -> None:
    with pytest.raises(DatasetRefused) as refusal:
        read_rows(stored(b"x,label\n1,a\n2\n"))
    assert refusal.value.context["row"] == 2


def test_a_table_that_is_not_stored_is_missing() -> None:
    with pytest.raises(ContentMissing):
        read_rows(DatasetVersion(file_digest="0" * 64, file_format="csv"))


def test_the_limit_on_bytes_is_that_of_the_settings(settings: Settings) -> None:
    settings.MAX_TABLE_BYTES = 5
    assert limits().max_bytes == 5
    with pytest.raises(DatasetRefused):
        read_rows(stored(b"x,label\n1,a\n"))


def test_the_schema_is_that_of_the_digested_columns() -> None:
    version = DatasetVersion(
        columns=[{"name": "x", "dtype": "number"}, {"name": "y", "dtype": "integer"}],
        label_column="y",
    )
    schema = schema_of(version)
    assert [column.name for column in schema.columns] == ["x", "y"]
    assert (schema.label, schema.id) == ("y", None)
