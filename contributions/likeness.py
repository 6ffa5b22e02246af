"""Rows as a model sees them: how copies are found whatever their file, types or other columns.

A copy with another label, integers for floats, columns in another order or a column more has the
same features, so it has the same digests.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from registry.algorithms.tables import Table, TableError, to_matrix
from registry.models import DatasetVersion
from registry.services import read_rows


def row_keys(table: Table, features: Sequence[str]) -> list[bytes]:
    """SHA-256 of each row's features as float64 in the given order; missing values are one NaN.

    Raises TableError where a feature is missing or text.
    """
    # Adding 0.0 turns -0.0 into 0.0.
    matrix = to_matrix(table, features) + 0.0
    matrix[np.isnan(matrix)] = np.nan
    return [sha256(row.tobytes()).digest() for row in matrix]


def seen_rows(table: Table, features: Sequence[str]) -> set[bytes]:
    """The different keys among a table's rows. Raises TableError as `row_keys` does."""
    return set(row_keys(table, features))


def seen_rows_of(dataset_version: DatasetVersion, features: Sequence[str]) -> set[bytes]:
    """The same, of a stored table. Raises TableError, DatasetRefused, ContentMissing."""
    return seen_rows(read_rows(dataset_version), features)


def row_keys_of(dataset_version: DatasetVersion, features: Sequence[str]) -> list[bytes]:
    """Keys of a stored table's rows, in order; none where it has not the features.

    Raises DatasetRefused, ContentMissing.
    """
    try:
        return row_keys(read_rows(dataset_version), features)
    except TableError:
        return []
