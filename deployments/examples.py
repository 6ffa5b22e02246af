"""The rows of a version's input example, as a prediction takes them."""

from collections.abc import Mapping
from typing import Any

from deployments.checks import Finding
from registry.models import ModelVersion

ROWS_MAX = 5
CHECK = "input_example"


def example_rows(version: ModelVersion) -> list[dict[str, Any]] | None:
    """The first rows of the input example; None where it is absent or no table.

    Read are MLflow's forms: `{"columns": …, "data": …}`, the same under `dataframe_split`,
    `dataframe_records`, and a list of objects.
    """
    given = version.input_example
    if isinstance(given, Mapping):
        given = given.get("dataframe_split", given.get("dataframe_records", given))
    rows = _split(given) if isinstance(given, Mapping) else given
    if not isinstance(rows, list) or not rows:
        return None
    rows = rows[:ROWS_MAX]
    return [dict(row) for row in rows] if all(isinstance(row, Mapping) for row in rows) else None


def example_finding(version: ModelVersion) -> Finding:
    """Whether the input example names the signature's columns; it is asked at each rollout."""
    rows = example_rows(version)
    if rows is None:
        reason = "Without an input example of rows nothing is asked before it goes live."
        return Finding(CHECK, False, reason, blocking=False)
    missing = [name for name in required_columns(version) if name not in rows[0]]
    if missing:
        reason = f"The input example lacks the column {missing[0]!r} of the signature."
        return Finding(CHECK, False, reason, blocking=False)
    return Finding(CHECK, True, "Will be asked before the revision goes live.")


def required_columns(version: ModelVersion) -> list[str]:
    """Names of the inputs that a row must have."""
    return [
        str(column["name"])
        for column in version.signature.get("inputs", [])
        if column.get("name") and column.get("required", True)
    ]


def _split(given: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    columns, data = given.get("columns"), given.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    width = len(columns)
    if not all(isinstance(row, list) and len(row) == width for row in data[:ROWS_MAX]):
        return None
    return [dict(zip(columns, row, strict=True)) for row in data[:ROWS_MAX]]
