"""The same gain by other methods, for stewards to look at. None of them decides."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.algorithms.bca import accelerate
from experiments.algorithms.bootstrap import BootstrapError, resample_units
from experiments.algorithms.differences import Sample, sample_of
from experiments.algorithms.estimates import Inference
from experiments.algorithms.metrics.base import SCALE, Form
from experiments.algorithms.outcomes import MINIMUM_CLUSTERS, PairedOutcomes, units_of
from experiments.algorithms.signflip import flip_signs


@dataclass(frozen=True, slots=True)
class Look:
    """One-sided bounds at 1 - alpha in millionths, and the one-sided p of the margin."""

    method: str
    low: float
    high: float
    p_value: float


def other_looks(outcomes: PairedOutcomes, alpha: float, margin: int, seed: int) -> tuple[Look, ...]:
    """Return what studentised and BCa bootstrap and sign flips say, where they can be asked.

    `margin` in millionths. Empty below thirty units, and for AUROC, which has no sums.
    """
    if outcomes.found.form == Form.RANKS:
        return ()
    units = units_of(outcomes)
    if len(units) < MINIMUM_CLUSTERS:
        return ()
    sample = sample_of(outcomes.found, units)
    methods: tuple[Callable[[Sample], Inference], ...] = (
        lambda one: resample_units(one, seed=seed),
        lambda one: accelerate(one, seed=seed),
        lambda one: flip_signs(one, seed=seed),
    )
    looks = []
    for method in methods:
        try:
            found = method(sample)
        except BootstrapError:
            # This method cannot be asked about these outcomes.
            continue
        low, high = found.lower(alpha) * SCALE, found.upper(alpha) * SCALE
        looks.append(Look(found.method, low, high, found.p_greater(margin / SCALE)))
    return tuple(looks)
