"""The story's real rows: scikit-learn's bundled digits and breast-cancer tables, split once."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits

LABEL = "label"
CLASSES = 10
BASELINE_ROWS, CONTRIBUTED_ROWS, BENCHMARK_ROWS, COPIED_ROWS = 100, 200, 1_000, 200
SPLIT_SEED = 20261120
MODEL_CARD = """---
license: apache-2.0
library_name: sklearn
pipeline_tag: tabular-classification
---

# Digit classifier

A logistic regression over the 64 grey values of an 8 by 8 image.

## Intended use

Reading single handwritten digits that were scanned and scaled to 8 by 8 pixels.

## Training data

Images of the digits table that ships with scikit-learn, and rows that contributors gave. The
version names each table.

## Evaluation

Accuracy and log loss on 1,000 held-out images, some of them kept to confirm; see the comparisons of
the version.

## Limitations

Images of another size or centring, and anything that is no digit, are read as some digit.
"""


@dataclass(frozen=True, slots=True)
class Digits:
    """Disjoint parts of the 1,797 images; `copied` is the benchmark's own rows, relabelled."""

    baseline: pd.DataFrame
    honest: tuple[pd.DataFrame, pd.DataFrame]
    shifted: pd.DataFrame
    copied: pd.DataFrame
    benchmark: pd.DataFrame


def digits() -> Digits:
    """Split the images by a fixed permutation."""
    bunch = load_digits(as_frame=True)
    table = bunch.data.astype("float64")
    table.columns = [str(name) for name in table.columns]
    table[LABEL] = bunch.target.astype("int64")
    order = np.random.default_rng(SPLIT_SEED).permutation(len(table))
    table = table.iloc[order].reset_index(drop=True)
    parts, start = [], 0
    for size in (BENCHMARK_ROWS, BASELINE_ROWS, *[CONTRIBUTED_ROWS] * 3):
        parts.append(table.iloc[start : start + size].reset_index(drop=True))
        start += size
    benchmark, baseline, first, second, third = parts
    return Digits(
        baseline=baseline,
        honest=(first, second),
        shifted=relabelled(third),
        copied=relabelled(benchmark.iloc[:COPIED_ROWS]),
        benchmark=benchmark,
    )


def relabelled(table: pd.DataFrame) -> pd.DataFrame:
    """The same inputs, every label moved to the next class."""
    changed = table.copy()
    changed[LABEL] = (changed[LABEL] + 1) % CLASSES
    return changed


def breast_cancer() -> pd.DataFrame:
    """All 569 rows, with column names that are fit for URLs and SQL."""
    bunch = load_breast_cancer(as_frame=True)
    table = bunch.data.astype("float64")
    table.columns = [str(name).replace(" ", "_") for name in table.columns]
    table[LABEL] = bunch.target.astype("int64")
    return table


def as_parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def as_csv(table: pd.DataFrame) -> bytes:
    """The table as a CSV file."""
    return table.to_csv(index=False).encode()
