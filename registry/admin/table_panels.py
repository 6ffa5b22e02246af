"""What a table holds, column by column."""

from collections.abc import Mapping
from typing import Any

from hokusai.web import markup
from hokusai.web.panels import Panel, chart, table
from registry.models import DatasetVersion

CLOSED = "The rows of a benchmark are for its stewards alone."
UNREAD = "Known once the rows have been read."


def table_panels(version: DatasetVersion, *, readable: bool) -> tuple[Panel | None, ...]:
    """Columns, balance of the label and first rows; of closed tables the columns' names alone."""
    if not readable or not version.statistics:
        return (_names(version, "" if readable else CLOSED),)
    return (_columns(version), _label(version), _preview(version))


def _names(version: DatasetVersion, hint: str) -> Panel:
    rows = [(column["name"], markup.mono(str(column["dtype"]))) for column in version.columns]
    return table("Columns", ("Name", "Type"), rows, empty=UNREAD, hint=hint, wide=False)


def _columns(version: DatasetVersion) -> Panel:
    rows = [
        (
            column["name"],
            markup.mono(column["type"]),
            column["missing"] or "none",
            _distinct(column),
            _number(column.get("min")),
            _number(column.get("mean")),
            _number(column.get("max")),
            _number(column.get("std")),
            _frequent(column),
        )
        for column in version.statistics["columns"]
    ]
    headers = ("Column", "Type", "Missing", "Distinct", "Least", "Mean", "Most", "Std", "Frequent")
    return table("Columns", headers, rows, empty=UNREAD)


def _distinct(column: Mapping[str, Any]) -> str:
    count = column.get("distinct", 0)
    return f"at least {count}" if column.get("distinct_capped") else str(count)


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"


def _frequent(column: Mapping[str, Any]) -> str:
    return ", ".join(f"{row['value']} ({row['count']})" for row in column.get("top", [])[:3]) or "—"


def _label(version: DatasetVersion) -> Panel | None:
    label = version.statistics.get("label")
    if not label:
        return None
    classes = sorted(label["classes"], key=lambda row: str(row["value"]))
    rows = [(str(row["value"]), row["count"], f"{100 * row['share']:.1f} %") for row in classes]
    return chart(
        f"Balance of {label['name']}",
        "columns",
        {
            "labels": [row[0] for row in rows],
            "unit": "rows",
            "series": [{"name": "rows", "tone": "accent", "values": [row[1] for row in rows]}],
        },
        key="label-balance",
        headers=("Value", "Rows", "Share"),
        rows=rows,
        wide=False,
    )


def _preview(version: DatasetVersion) -> Panel:
    preview = version.statistics["preview"]
    rows = [tuple("—" if value is None else str(value) for value in row) for row in preview["rows"]]
    return table("First rows", preview["columns"], rows, empty="The table has no row.")
