"""Shapley values of rows for a nearest-neighbour classifier, without any training.

They attribute the utility of that classifier, not the model's gain: cheap, and named as what they
are. The utility of rows S for one tested row is the share of the K nearest among S, at most K of
them, that have its label, divided by K. Source: Jia et al. (2019), arXiv 1908.08619, theorem 1.
"""

import numpy as np
import numpy.typing as npt

from contributions.algorithms.coalitions import CoalitionError

METHOD = "knn-shapley/1"
NEIGHBOURS = 5
# Distances that are held at once: 32 MB.
CHUNK_CELLS = 1 << 22

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]


def knn_shapley(
    rows: Floats,
    labels: Labels,
    tested: Floats,
    answers: Labels,
    owners: Labels,
    *,
    neighbours: int = NEIGHBOURS,
) -> Floats:
    """Return (m, owners) what the rows of each owner add to the utility for each tested row.

    Args:
        rows: (n, d) embeddings of training rows. labels: (n,) their labels, as numbers.
        tested: (m, d) embeddings of tested rows. answers: (m,) their labels.
        owners: (n,) from 0, whose each training row is. neighbours: K.

    Equal distances are ordered by the rows' places, so that the result depends on nothing else.

    Raises:
        CoalitionError: shapes that do not fit, no rows, or values that are not finite.
    """
    _check(rows, tested, neighbours)
    if len(labels) != len(rows) or len(owners) != len(rows) or len(answers) != len(tested):
        raise CoalitionError("Every row has one label, and every training row one owner.")
    step = max(1, CHUNK_CELLS // len(rows))
    parts = []
    for start in range(0, len(tested), step):
        order = _nearest(rows, tested[start : start + step])
        right = labels[order] == answers[start : start + step, None]
        values = _values(right.astype(np.float64), neighbours)
        parts.append(_by_owner(values, owners[order], int(owners.max()) + 1))
    return np.concatenate(parts)


def _nearest(rows: Floats, tested: Floats) -> Labels:
    """(m, n) places of the rows, nearest first."""
    squares = np.einsum("ij,ij->i", rows, rows)
    return np.argsort(squares[None, :] - 2 * tested @ rows.T, axis=1, kind="stable")


def _by_owner(values: Floats, owners: Labels, count: int) -> Floats:
    places = owners + count * np.arange(len(values))[:, None]
    sums = np.bincount(places.ravel(), values.ravel(), minlength=count * len(values))
    return sums.astype(np.float64).reshape(len(values), count)


def _values(right: Floats, neighbours: int) -> Floats:
    """(m, n) whether each row has the label, nearest first -> (m, n) their values."""
    size = right.shape[1]
    values = np.empty_like(right)
    values[:, -1] = right[:, -1] / max(size, neighbours)
    ranks = np.arange(1, size)
    factors = np.minimum(neighbours, ranks) / (neighbours * ranks)
    steps = (right[:, :-1] - right[:, 1:]) * factors
    values[:, :-1] = values[:, -1:] + np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
    return values


def _check(rows: Floats, tested: Floats, neighbours: int) -> None:
    if rows.ndim != 2 or tested.ndim != 2 or rows.shape[1] != tested.shape[1]:  # noqa: PLR2004
        raise CoalitionError("Training rows and tested rows differ in their number of columns.")
    if not len(rows) or not len(tested):
        raise CoalitionError("There are no rows.")
    if not (np.isfinite(rows).all() and np.isfinite(tested).all()):
        raise CoalitionError("Nearest neighbours need numbers in every cell.")
    if neighbours < 1:
        raise CoalitionError("At least one neighbour counts.")
