"""How the outcomes of coalitions are read by a benchmark's metric."""

import numpy as np
import numpy.typing as npt

from contributions.algorithms.coalitions import CoalitionError
from contributions.algorithms.intervals import Floats, Outcomes, Reading
from experiments.algorithms.metrics.base import SCALE, Form, Metric
from experiments.algorithms.metrics.ranking import placements


def reading_of(
    metric: Metric,
    sample: Outcomes,
    *,
    weights: Floats | None = None,
    clusters: npt.NDArray[np.intp] | None = None,
) -> Reading:
    """Return the reading of a metric: values in its natural unit, larger is better.

    Args:
        sample: (n, p) components of any coalition, from which the rows are counted.
        weights: (n,) how much a row counts. clusters: (n,) rows that belong together.
    """
    mass = np.ones(len(sample)) if weights is None else np.asarray(weights, dtype=np.float64)
    codes = np.arange(len(sample)) if clusters is None else clusters
    telling = [mass > 0]
    if metric.form == Form.RANKS:
        telling = [(mass > 0) & (sample[:, 1] > 0), (mass > 0) & (sample[:, 1] <= 0)]
    units = min(len(np.unique(codes[rows])) for rows in telling)
    by_form = _areas if metric.form == Form.RANKS else _means

    def read(outcomes: Outcomes) -> tuple[Floats, Floats]:
        return by_form(metric, outcomes, mass)

    return Reading(read=read, units=units, clusters=clusters)


def _means(metric: Metric, outcomes: Outcomes, mass: Floats) -> tuple[Floats, Floats]:
    natural = outcomes / SCALE
    share = mass / mass.sum()
    means = np.einsum("knp,n->kp", natural, share)
    with np.errstate(all="ignore"):
        values = metric.sign * metric.value(means)
        slopes = metric.sign * metric.gradient(means)
    if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
        raise CoalitionError(f"{metric.name} is not defined for a coalition.")
    influence = np.einsum("knp,kp->kn", natural - means[:, np.newaxis, :], slopes)
    return values, influence * share


def _areas(metric: Metric, outcomes: Outcomes, mass: Floats) -> tuple[Floats, Floats]:
    values, influence = np.empty(len(outcomes)), np.empty(outcomes.shape[:2])
    for number, components in enumerate(outcomes):
        found = placements(components, mass)
        if found is None:
            raise CoalitionError("All rows are of one class: auroc needs two.")
        positive = components[:, 1] > 0
        area = float(np.average(found[positive], weights=mass[positive]))
        totals = np.where(positive, mass[positive].sum(), mass[~positive].sum())
        values[number] = metric.sign * area
        influence[number] = metric.sign * (found - area) * mass / totals
    return values, influence
