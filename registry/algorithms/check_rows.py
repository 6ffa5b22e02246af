"""Rows on which two forms of one model are asked whether they answer the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS = 256
Floats = npt.NDArray[np.float64]
WHOLE = frozenset({"integer", "long"})
SEED = 20_000


def example_table(example: Any) -> tuple[tuple[str, ...], Floats] | None:
    """Columns and (n, d) values of an input example as MLflow writes it; None for another form."""
    if isinstance(example, dict):
        example = example.get("dataframe_split", example)
    if not isinstance(example, dict):
        return None
    columns, data = example.get("columns"), example.get("data")
    if not isinstance(columns, list) or not isinstance(data, list) or not columns or not data:
        return None
    try:
        values = np.array(data, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if values.shape != (len(data), len(columns)) or not np.isfinite(values).all():
        return None
    return tuple(map(str, columns)), values


def check_rows(values: Floats, types: Sequence[str]) -> Floats:
    """(n + 256, d): the example's rows, and rows near and between them, always the same ones.

    `types`: MLflow's type of each column; whole numbers stay whole, truths stay 0 or 1.
    """
    draws = np.random.default_rng(SEED)
    picked = draws.integers(0, len(values), size=(ROWS, values.shape[1]))
    mixed = np.take_along_axis(values, picked, axis=0)
    spread = np.maximum(np.abs(values).max(axis=0), 1.0)
    near = mixed + draws.normal(scale=0.5, size=mixed.shape) * spread
    for place, kind in enumerate(types):
        if kind in WHOLE:
            near[:, place] = np.rint(near[:, place])
        elif kind == "boolean":
            near[:, place] = draws.integers(0, 2, size=ROWS)
    return np.vstack([values, near])
