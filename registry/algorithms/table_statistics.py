"""Statistics of a table by column, as JSON: what a reader sees before the rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from registry.algorithms.tabular import Table

BINS: Final = 10
TOP: Final = 10
MAX_DISTINCT: Final = 10_000
MAX_TEXT: Final = 200
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


def statistics(table: Table, label: str = "") -> dict[str, Any]:
    """Describe every column, and the balance of the label where it is named.

    {"rows", "columns": [{"name", "type", "count", "missing", "distinct", "distinct_capped", …}],
    "label": {"name", "classes": [{"value", "count", "share"}], "classes_capped"} | None}. Numbers
    and integers have min, max, mean, std (of the sample), quantiles and a histogram of ten equal
    bins; texts and booleans have their most frequent values. Where `distinct_capped`, there are at
    least so many.
    """
    columns = [
        _column(column.name, column.dtype, table.columns[column.name])
        for column in table.schema.columns
    ]
    balance = _balance(label, table.columns[label]) if label in table.columns else None
    return {"rows": table.row_count, "columns": columns, "label": balance}


def _column(name: str, dtype: str, values: Sequence[Any]) -> dict[str, Any]:
    present = [value for value in values if value is not None]
    facts: dict[str, Any] = {
        "name": name,
        "type": dtype,
        "count": len(present),
        "missing": len(values) - len(present),
    }
    if dtype in {"integer", "number"}:
        return facts | _numeric(present)
    counts, capped = _counts(present)
    return facts | {
        "distinct": len(counts),
        "distinct_capped": capped,
        "top": [{"value": _short(value), "count": count} for value, count in _most(counts)],
    }


def _numeric(present: Sequence[int | float]) -> dict[str, Any]:
    if not present:
        return {"distinct": 0, "distinct_capped": False}
    numbers = np.asarray([_float(value) for value in present], dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    distinct = len(np.unique(numbers))
    facts: dict[str, Any] = {
        "distinct": min(distinct, MAX_DISTINCT),
        "distinct_capped": distinct > MAX_DISTINCT,
    }
    if finite.size < numbers.size:
        facts["infinite"] = int(numbers.size - finite.size)
    return facts | (_moments(finite) if finite.size else {})


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond float64
        return np.inf if value > 0 else -np.inf


def _moments(finite: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Scaled before summing, so that numbers near the end of float64 do not overflow."""
    scale = float(np.max(np.abs(finite))) or 1.0
    scaled = finite / scale
    spread = float(np.std(scaled, ddof=1)) * scale if finite.size > 1 else 0.0
    return {
        "min": float(finite.min()),
        "max": float(finite.max()),
        "mean": float(np.mean(scaled)) * scale,
        "std": spread if np.isfinite(spread) else None,
        "quantiles": {
            str(q): float(value) * scale
            for q, value in zip(QUANTILES, np.quantile(scaled, QUANTILES), strict=True)
        },
        "histogram": _histogram(scaled, scale),
    }


def _histogram(scaled: npt.NDArray[np.float64], scale: float) -> dict[str, list[Any]]:
    """`edges`: 11 ascending numbers; `counts`: 10. One value alone fills the middle."""
    if float(scaled.min()) == float(scaled.max()):
        value = float(scaled[0]) * scale
        return {"edges": [value, value], "counts": [int(scaled.size)]}
    counts, edges = np.histogram(scaled, bins=BINS)
    return {
        "edges": [float(edge) * scale for edge in edges],
        "counts": [int(count) for count in counts],
    }


def _counts(present: Sequence[Any]) -> tuple[Counter[Any], bool]:
    """How often each value appears; values that come after the cap was reached are not counted."""
    counts: Counter[Any] = Counter()
    capped = False
    for value in present:
        if value in counts or len(counts) < MAX_DISTINCT:
            counts[value] += 1
        else:
            capped = True
    return counts, capped


def _most(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:TOP]


def _short(value: Any) -> Any:
    return f"{value[:MAX_TEXT]}…" if isinstance(value, str) and len(value) > MAX_TEXT else value


def _balance(name: str, values: Sequence[Any]) -> dict[str, Any]:
    present = [value for value in values if value is not None]
    counts, capped = _counts(present)
    classes = [
        {"value": _short(value), "count": count, "share": count / len(present)}
        for value, count in _most(counts)
    ]
    return {
        "name": name,
        "classes": classes,
        "distinct": len(counts),
        "classes_capped": capped or len(counts) > TOP,
    }
