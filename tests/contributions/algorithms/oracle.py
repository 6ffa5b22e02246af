"""Values that pyDVL gave for digits, and the same digits; the file names its origin."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

FILE = Path(__file__).parent / "data" / "pydvl_digits.json"


@cache
def case() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


@cache
def digits() -> tuple[Any, Any, Any, Any]:
    """150 training rows and labels, 200 tested rows and labels, as the file's origin says."""
    rows, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(4).permutation(len(labels))
    rows, labels = rows[order], labels[order]
    return rows[:150], labels[:150], rows[150:350], labels[150:350]
