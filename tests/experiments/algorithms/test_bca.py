"""Published example: variance of the spatial test, group A.

Efron, Tibshirani (1993), An Introduction to the Bootstrap, table 14.1 and section 14.2: the 90 %
BCa interval is (115.8, 259.6) from 2,000 resamples, with acceleration 0.061.
"""

import numpy as np
import pytest
from scipy import stats

from experiments.algorithms.bca import Accelerated, accelerate, acceleration_of
from experiments.algorithms.bootstrap import BootstrapError
from experiments.algorithms.differences import Sample, sample_of
from experiments.algorithms.metrics import SCALE, Floats, Form, MetricBase, find_metric

FIGURES = "48 36 20 29 42 42 20 42 22 41 45 14 6 0 33 28 34 4 32 24 47 41 24 26 30 41"
SPATIAL = np.array([int(figure) for figure in FIGURES.split()])


class Variance(MetricBase):
    name = "variance"
    form = Form.SUMS

    def value(self, means: Floats) -> Floats:
        return means[..., 1] - means[..., 0] ** 2


def spatial() -> Sample:
    zeros, ones = np.zeros(26, dtype=np.int64), np.ones(26, dtype=np.int64)
    units = np.column_stack([ones, zeros, zeros, SPATIAL, SPATIAL**2]) * SCALE
    return sample_of(Variance(), units)  # type: ignore[arg-type]


@pytest.fixture(name="found", scope="module")
def accelerated_variance() -> Accelerated:
    return accelerate(spatial(), seed=1)


def test_the_interval_is_that_of_the_book(found: Accelerated) -> None:
    assert found.mean == pytest.approx(171.5, abs=0.05)
    assert found.acceleration == pytest.approx(0.061, abs=0.0005)
    assert found.bias == pytest.approx(0.146, abs=0.03)
    # The book's own 2,000 resamples leave two percent.
    assert found.interval(0.1) == pytest.approx((115.8, 259.6), rel=0.02)


def test_the_interval_is_scipys(found: Accelerated) -> None:
    seen = stats.bootstrap(
        (SPATIAL.astype(float),), np.var, method="BCa", confidence_level=0.9, rng=1
    )

    low, high = seen.confidence_interval
    assert found.interval(0.1) == pytest.approx((low, high), rel=0.02)


@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.001, 1e-5])
def test_p_is_the_level_at_which_the_bound_meets_the_margin(
    found: Accelerated, alpha: float
) -> None:
    assert found.p_greater(found.lower(alpha)) == pytest.approx(alpha, rel=0.01)
    assert found.p_less(found.upper(alpha)) == pytest.approx(alpha, rel=0.01)


def test_p_of_a_margin_above_the_gain_is_above_one_half(found: Accelerated) -> None:
    assert 0.9 < found.p_greater(300.0) <= 1


def test_bounds_go_on_beyond_the_resamples(found: Accelerated) -> None:
    bounds = [found.lower(alpha) for alpha in np.geomspace(0.4, 1e-7, 40)]

    assert all(np.diff(bounds) <= 0)
    assert bounds[-1] < found.gains[0]


def test_symmetric_influence_has_no_acceleration() -> None:
    assert acceleration_of(np.array([-2.0, -1.0, 0.0, 1.0, 2.0])) == 0


def test_equal_units_cannot_be_accelerated() -> None:
    units = np.tile([SCALE, 1000, 2000], (40, 1))

    with pytest.raises(BootstrapError):
        accelerate(sample_of(find_metric("mae"), units), seed=1)
