"""Files to take away: tables as CSV, documents as JSON."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.http import HttpResponse

# A spreadsheet would run text that begins so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
EXPORTS = ("csv", "prov-json")


def csv_answer(headers: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> HttpResponse:
    """A table to download; text that a spreadsheet would take for a formula is quoted."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headers)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return _attached(text.getvalue().encode(), "text/csv; charset=utf-8", f"{name}.csv")


def json_answer(document: Any, name: str) -> HttpResponse:
    """A document to download."""
    return _attached(orjson.dumps(document), "application/json", f"{name}.json")


def safe_cell(cell: Any) -> Any:
    """Text that begins like a formula with an apostrophe before it; numbers as they are."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell


def _attached(content: bytes, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
