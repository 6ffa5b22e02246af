import math

import numpy as np
import pytest
from scipy import stats

from experiments.algorithms.bootstrap import BootstrapError
from experiments.algorithms.differences import sample_of
from experiments.algorithms.metrics import find_metric
from experiments.algorithms.outcomes import units_of
from experiments.algorithms.signflip import flip, flip_signs, saddlepoint_tail
from tests.experiments.algorithms.outcome_examples import paired


def mean(sample: np.ndarray, axis: int) -> np.ndarray:
    return sample.mean(axis=axis)


@pytest.mark.parametrize("n", [6, 12])
def test_few_units_are_flipped_in_every_way_as_scipy_does(n: int) -> None:
    gains = np.random.default_rng(n).normal(0.4, 1.0, n)
    found = flip(gains, np.ones(n), seed=1)

    expected = stats.permutation_test(
        (gains,), mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )

    assert found.exact
    assert found.p_greater(0.0) == pytest.approx(expected.pvalue, abs=1e-12)


def test_many_units_are_flipped_often_enough() -> None:
    gains = np.random.default_rng(3).normal(0.15, 1.0, 60)
    expected = stats.permutation_test(
        (gains,), mean, permutation_type="samples", alternative="greater", n_resamples=9999, rng=1
    )

    assert flip(gains, np.ones(60), seed=1).p_greater(0.0) == pytest.approx(
        expected.pvalue, abs=0.01
    )


@pytest.mark.parametrize("shift", [0.3, 0.8])
def test_beyond_the_flips_the_saddlepoint_is_close_to_the_exact_tail(shift: float) -> None:
    gains = np.random.default_rng(5).normal(shift, 0.6, 16)

    exact = flip(gains, np.ones(16), seed=1).p_greater(0.0)

    assert saddlepoint_tail(gains) == pytest.approx(exact, rel=0.15, abs=2e-5)


def test_gains_that_agree_have_one_chance_in_all_signs() -> None:
    assert saddlepoint_tail(np.full(50, 3.0)) == 0.5**50
    assert flip(np.full(50, 3.0), np.ones(50), seed=1).p_greater(0.0) == 0.5**50
    assert saddlepoint_tail(np.zeros(5)) == 1.0


@pytest.mark.parametrize("alpha", [0.2, 0.01, 1e-6])
def test_the_bound_is_where_the_test_turns(alpha: float) -> None:
    found = flip(np.random.default_rng(2).normal(0.5, 1.0, 80), np.ones(80), seed=1)
    low = found.lower(alpha)

    assert found.p_greater(low) <= alpha < found.p_greater(low + 0.01)
    assert found.p_less(found.upper(alpha)) <= alpha
    assert low < found.mean < found.upper(alpha)


def test_few_units_cannot_reach_a_small_level() -> None:
    assert flip(np.array([1.0, 2.0, 3.0]), np.ones(3), seed=1).lower(0.025) == -math.inf


def test_only_means_can_be_flipped() -> None:
    outcomes = paired("f1")
    with pytest.raises(BootstrapError, match="mean"):
        flip_signs(sample_of(find_metric("f1"), units_of(outcomes)), seed=1)
