"""Intervals of attributed values from the kept outcomes of coalitions per row, without new fits.

Every attributed value is a weighted sum of coalitions' values, so what a row says about it is the
same weighted sum of what the row says about each coalition. Rows of a cluster speak together.
Sources: Davison, Hinkley (1997), section 2.7, influence values; Liang, Zeger (1986), clusters.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from contributions.algorithms.coalitions import CoalitionError

MINIMUM_UNITS = 30
# Cells of floats that are held at once: 32 MB.
CHUNK_CELLS = 1 << 22

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What outcomes of coalitions say.

    `read` turns (k, n, p) components into values (k,), larger is better, and influence values
    (k, n): what each row moves a value by, summing to zero over rows. `clusters` (n,) numbers rows
    that are no independent evidence; `units` is how many there are that can tell, at most the
    clusters (for orders of two classes, those of the rarer one).
    """

    read: Callable[[Outcomes], tuple[Floats, Floats]]
    units: int
    clusters: npt.NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True)
class Estimates:
    """`values`, `errors`, `low`, `high` (players,); bounds are infinite where units are too few."""

    values: Floats
    errors: Floats
    low: Floats
    high: Floats


class Attributed:
    """Attributed values that grow as coalitions are added, in any order, each once."""

    def __init__(self, reading: Reading, players: int) -> None:
        self.reading, self.players = reading, players
        self._values = np.zeros(players)
        self._influence: Floats | None = None

    def add(self, weights: Floats, outcomes: Outcomes) -> Floats:
        """Add k coalitions; return their values (k,).

        Args:
            weights: (players, k) what each coalition's value counts for each player.
            outcomes: (k, n, p) components per row, in the reading's row order.

        Raises:
            CoalitionError: shapes that do not fit each other or what was added before.
        """
        if outcomes.ndim != 3 or weights.shape != (self.players, len(outcomes)):  # noqa: PLR2004
            raise CoalitionError("Weights and outcomes of coalitions differ in shape.")
        step = max(1, CHUNK_CELLS // max(1, outcomes.shape[1] * outcomes.shape[2]))
        parts = [
            self._add(weights[:, start : start + step], outcomes[start : start + step])
            for start in range(0, len(outcomes), step)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def estimates(self, alpha: float) -> Estimates:
        """Return values with bounds that each miss on either side with probability `alpha`.

        Raises CoalitionError where nothing was added.
        """
        if self._influence is None:
            raise CoalitionError("No coalition was evaluated.")
        errors = self._errors(self._influence)
        # Infinity times zero is not a number: few units tell nothing, whatever they say.
        width = np.full(self.players, math.inf)
        if self.reading.units >= MINIMUM_UNITS:
            width = float(stdtrit(self.reading.units - 1, 1 - alpha)) * errors
        values = self._values.copy()
        return Estimates(values, errors, values - width, values + width)

    def _add(self, weights: Floats, outcomes: Outcomes) -> Floats:
        values, influence = self.reading.read(outcomes)
        if self._influence is None:
            self._influence = np.zeros((self.players, influence.shape[1]))
        elif influence.shape[1] != self._influence.shape[1]:
            raise CoalitionError("Coalitions were evaluated on different numbers of rows.")
        self._values += weights @ values
        self._influence += weights @ influence
        return values

    def _errors(self, influence: Floats) -> Floats:
        clusters = self.reading.clusters
        if clusters is not None:
            if len(clusters) != influence.shape[1]:
                raise CoalitionError("There is one cluster number per row.")
            codes = np.unique(clusters, return_inverse=True)[1]
            together = [np.bincount(codes, weights=row) for row in influence]
            influence = np.stack(together)
        units = max(self.reading.units, 2)
        squares = units / (units - 1) * np.einsum("ij,ij->i", influence, influence)
        errors: Floats = np.sqrt(squares)
        return errors
