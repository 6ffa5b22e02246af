import itertools
import math

import numpy as np
import pytest
from scipy.stats import t as student

from experiments.algorithms import resampling
from experiments.algorithms.bootstrap import (
    Bootstrap,
    BootstrapError,
    resample_counts,
    resample_mean,
    resample_units,
)
from experiments.algorithms.differences import sample_of
from experiments.algorithms.outcomes import units_of
from experiments.algorithms.paired import Discordant
from experiments.algorithms.resampling import t_values_of_units
from tests.experiments.algorithms.outcome_examples import paired


@pytest.fixture(name="normal", scope="module")
def normal_differences() -> np.ndarray:
    return np.random.default_rng(5).normal(0.1, 1.0, 400)


def test_on_normal_differences_the_bound_is_students(normal: np.ndarray) -> None:
    sample = resample_mean(normal, seed=1)
    expected = sample.mean - student.isf(0.025, 399) * sample.standard_error

    assert sample.lower(0.025) == pytest.approx(expected, abs=0.1 * sample.standard_error)


def test_the_same_seed_gives_the_same_bound(normal: np.ndarray) -> None:
    first, second = resample_mean(normal, seed=1), resample_mean(normal, seed=1)

    assert first.interval(0.05) == second.interval(0.05)
    assert first.interval(0.05) != resample_mean(normal, seed=2).interval(0.05)


def test_the_result_does_not_depend_on_the_size_of_a_piece(
    normal: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = resample_mean(normal, seed=1)

    monkeypatch.setattr(resampling, "PIECE", 150)

    pieces = resample_mean(normal, seed=1).t_values

    np.testing.assert_allclose(pieces, whole.t_values, rtol=0, atol=1e-12)


def test_skewed_differences_move_the_bounds_to_their_tail() -> None:
    skewed = np.random.default_rng(3).exponential(1.0, 60)
    sample = resample_mean(skewed, seed=1)

    assert sample.upper(0.025) - sample.mean > sample.mean - sample.lower(0.025)


@pytest.mark.parametrize("alpha", [0.2, 0.025, 0.0011, 0.001, 1e-5, 1e-9])
def test_p_and_bound_agree_at_every_level(normal: np.ndarray, alpha: float) -> None:
    sample = resample_mean(normal, seed=1)
    bound = sample.lower(alpha)

    assert sample.p_greater(bound - 1e-9) <= alpha * (1 + 1e-6)


def test_a_smaller_level_gives_a_lower_bound_also_beyond_the_resamples(normal: np.ndarray) -> None:
    sample = resample_mean(normal, seed=1)
    bounds = [sample.lower(alpha) for alpha in np.geomspace(0.4, 1e-12, 60)]

    assert all(left >= right for left, right in itertools.pairwise(bounds))
    assert bounds[-1] < sample.mean - 7 * sample.standard_error


def test_equal_differences_need_no_resampling() -> None:
    sample = resample_mean(np.full(40, 3.0), seed=1)

    assert sample.interval(0.05) == (3.0, 3.0)
    assert sample.method == "constant-difference"
    assert sample.p_greater(0.0) == 2**-40
    assert sample.p_greater(3.0) == 1.0
    assert resample_mean(np.full(3, 3.0), seed=1).lower(0.025) == -math.inf


def test_one_odd_row_among_equal_ones_shows_nothing() -> None:
    differences = np.zeros(50)
    differences[0] = 1e6

    assert resample_mean(differences, seed=1).lower(0.025) < 0


@pytest.mark.parametrize("values", [[1.0], [1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]])
def test_unusable_differences_are_refused(values: list[float]) -> None:
    with pytest.raises(BootstrapError):
        resample_mean(np.array(values), seed=1)


def test_too_few_resamples_are_refused(normal: np.ndarray) -> None:
    with pytest.raises(BootstrapError):
        resample_mean(normal, seed=1, resamples=100)


def test_the_interval_of_the_mouse_data_is_the_books() -> None:
    """Efron, Tibshirani 1993, section 12.5: the control group's 90 % interval (35.82, 116.74)."""
    control = np.array([52, 104, 146, 10, 50, 31, 40, 27, 46])

    found = resample_mean(control, seed=1)

    assert found.mean == pytest.approx(56.22, abs=0.005)
    # The book drew a thousand resamples.
    high, low = found.mean - np.quantile(found.t_values, [0.05, 0.95]) * found.standard_error
    assert (low, high) == pytest.approx((35.82, 116.74), rel=0.04)


def test_no_bound_comes_nearer_than_students() -> None:
    skewed = resample_mean(np.random.default_rng(3).exponential(1.0, 60), seed=1)

    for alpha in (0.2, 0.02, 1e-5):
        reach = student.isf(alpha, 59) * skewed.standard_error
        # The long tail to the right would let the bootstrap's own lower bound come nearer.
        assert skewed.lower(alpha) == pytest.approx(skewed.mean - reach)
        assert skewed.p_greater(skewed.mean - reach) == pytest.approx(alpha)
        assert skewed.upper(alpha) > skewed.mean + reach


def test_upper_and_lower_p_mirror_each_other(normal: np.ndarray) -> None:
    sample = resample_mean(normal, seed=1)

    assert sample.p_less(sample.upper(0.01)) == pytest.approx(0.01, rel=1e-2)
    assert sample.p_less(0.5) < 1e-9


def test_the_order_of_differences_does_not_matter(normal: np.ndarray) -> None:
    shuffled = np.random.default_rng(2).permutation(normal)

    assert resample_mean(shuffled, seed=1).interval(0.01) == resample_mean(normal, seed=1).interval(
        0.01
    )


def test_a_mean_by_units_is_the_mean_by_rows() -> None:
    """Both ways of resampling, sums of what was drawn and counts of units, are one method."""
    outcomes = paired("mae", 60)
    sample = sample_of(outcomes.found, units_of(outcomes))

    by_rows = resample_units(sample, seed=4)
    by_counts = t_values_of_units(sample, 4)

    np.testing.assert_allclose(by_counts, by_rows.t_values, rtol=0, atol=1e-8)
    assert by_rows.standard_error == pytest.approx(sample.standard_error)


def test_a_resample_without_a_score_counts_as_far_on_both_sides() -> None:
    t_values = np.concatenate([np.linspace(-3, 3, 9000), np.full(1000, np.nan)])
    found = Bootstrap(50, 0.0, 1.0, t_values)

    assert found.lower(0.05) == -math.inf
    assert found.upper(0.05) == math.inf
    assert math.isfinite(found.lower(0.2))
    assert found.p_greater(-10.0) >= 0.1


def test_resampled_counts_spread_as_the_binomial_does() -> None:
    counts = Discordant(b=4000, c=6000, n=100_000)

    drawn = resample_counts(counts, seed=1)

    assert drawn.mean() == pytest.approx(0.02, abs=5e-5)
    assert drawn.std() == pytest.approx(math.sqrt((0.1 - 0.02**2) / 100_000), rel=0.03)
    assert (drawn == resample_counts(counts, seed=1)).all()
