"""Stored tables, read back from the content store for those processes that may."""

from typing import cast

from django.conf import settings

from hokusai.storage import stores
from registry.algorithms.rows import Column, Schema
from registry.algorithms.tables import Limits, Table, TableError, TableFormat, read_table
from registry.damage import damage_recorded
from registry.exceptions import DatasetRefused
from registry.models import DatasetVersion


def limits() -> Limits:
    """How large an uploaded table may be."""
    return Limits(max_bytes=settings.MAX_TABLE_BYTES)


def read_rows(dataset_version: DatasetVersion) -> Table:
    """The table of a dataset version.

    Raises DatasetRefused where its bytes are no table, ContentMissing or ContentDamaged.
    """
    with damage_recorded(dataset_version):
        content = stores["default"].get(dataset_version.file_digest)
    # `add_dataset_version` takes no file of another format.
    file_format = cast(TableFormat, dataset_version.file_format)
    try:
        return read_table(content, file_format, limits())
    except TableError as error:
        raise DatasetRefused(str(error), row=error.row, column=error.column) from error


def schema_of(dataset_version: DatasetVersion) -> Schema:
    """The typed columns of a digested version."""
    columns = tuple(Column(**column) for column in dataset_version.columns)
    return Schema(
        columns=columns,
        label=dataset_version.label_column or None,
        id=dataset_version.id_column or None,
    )
