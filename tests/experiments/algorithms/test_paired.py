"""Published examples, and statsmodels where it overlaps.

Tango (1998), table II: two ways of disinfecting soft contact lenses, 43 of 44 pairs cured by both.
Bentur et al. (2009) and Cavo et al. (2012), as analysed in Fagerland, Lydersen, Laake (2013, 2014)
and in the R package contingencytables.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from experiments.algorithms.paired import (
    Discordant,
    PairedError,
    count_discordant,
    midp_greater,
    midp_two_sided,
    tango_interval,
    tango_lower,
    tango_p_greater,
    tango_upper,
)

BENTUR = Discordant(b=7, c=1, n=21)
CAVO = Discordant(b=16, c=6, n=161)
LENSES = Discordant(b=1, c=0, n=44)

counts_strategy = st.integers(1, 400).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda b: st.integers(0, n - b).map(lambda c: Discordant(b, c, n))
    )
)


@pytest.mark.parametrize(("counts", "expected"), [(BENTUR, 0.0391), (CAVO, 0.034690)])
def test_the_midp_equals_published_examples(counts: Discordant, expected: float) -> None:
    assert midp_two_sided(counts) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "low", "high", "digits"),
    [
        (BENTUR, -0.517, -0.026, 3),
        (CAVO, -0.1240, -0.0054, 4),
    ],
)
def test_the_score_interval_equals_published_examples(
    counts: Discordant, low: float, high: float, digits: int
) -> None:
    found = tango_interval(counts, 0.05)

    assert found == pytest.approx((low, high), abs=0.6 * 10**-digits)


def test_without_disagreement_the_bound_is_that_of_a_single_score_interval() -> None:
    # At b = c = 0 the equation is n d^2 = z^2 |d| (1 - |d|), so |d| = z^2 / (n + z^2).
    z_squared = 1.959963984540054**2

    assert tango_upper(Discordant(0, 0, 50), 0.025) == pytest.approx(z_squared / (50 + z_squared))


@settings(deadline=None)
@given(counts_strategy, st.floats(1e-6, 0.4))
def test_the_bound_is_where_the_test_turns(counts: Discordant, alpha: float) -> None:
    low = tango_lower(counts, alpha)

    assert -1 <= low <= counts.difference
    if low > -1:
        assert tango_p_greater(counts, low) <= alpha * (1 + 1e-6)
        if low + 1e-6 < counts.difference:
            assert tango_p_greater(counts, low + 1e-6) > alpha * (1 - 1e-9)


@settings(deadline=None)
@given(counts_strategy)
def test_exchanging_the_models_mirrors_everything(counts: Discordant) -> None:
    mirrored = Discordant(counts.c, counts.b, counts.n)
    low, high = tango_interval(counts, 0.05)

    assert tango_interval(mirrored, 0.05) == pytest.approx((-high, -low), abs=1e-12)
    assert midp_greater(counts) + midp_greater(mirrored) == pytest.approx(1)
    assert midp_two_sided(mirrored) == pytest.approx(midp_two_sided(counts))


def test_the_one_sided_midp_is_half_the_two_sided_one() -> None:
    assert midp_greater(Discordant(b=6, c=16, n=161)) == pytest.approx(midp_two_sided(CAVO) / 2)


def test_at_margin_zero_the_score_test_is_mcnemars() -> None:
    # McNemar's z is (c - b) / sqrt(b + c).
    z = 10 / math.sqrt(22)

    expected = math.erfc(z / math.sqrt(2)) / 2

    assert tango_p_greater(Discordant(6, 16, 161), 0.0) == pytest.approx(expected)


def test_a_gain_of_every_row_is_bounded_away_from_chance() -> None:
    assert tango_interval(Discordant(0, 40, 40), 0.05)[1] == 1.0
    assert 0.8 < tango_lower(Discordant(0, 40, 40), 0.025) < 1


def test_counts_come_from_rows_in_pairs() -> None:
    baseline = np.array([0, 0, 1_000_000, 1_000_000, 0])
    candidate = np.array([0, 1_000_000, 0, 1_000_000, 1_000_000])

    assert count_discordant(baseline, candidate) == Discordant(b=1, c=2, n=5)


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 0, 1), (1, 1, 1), (0, 0, 0)])
def test_impossible_counts_are_refused(b: int, c: int, n: int) -> None:
    with pytest.raises(PairedError):
        Discordant(b, c, n)


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(PairedError):
        count_discordant(np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64))


@pytest.mark.parametrize("alpha", [0.0, 0.6, float("nan")])
def test_a_level_out_of_range_is_refused(alpha: float) -> None:
    with pytest.raises(PairedError):
        tango_lower(BENTUR, alpha)


def test_a_margin_out_of_range_is_refused() -> None:
    with pytest.raises(PairedError):
        tango_p_greater(BENTUR, 1.0)


def test_the_score_test_of_equivalence_equals_the_published_example() -> None:
    # Z = 1.709, one-sided p = 0.044, of not being worse by a tenth.
    assert tango_p_greater(LENSES, -0.1) == pytest.approx(ndtr(-1.709), abs=5e-5)


def test_without_losses_the_upper_bound_is_wilsons() -> None:
    for won in (1, 13, 60):
        wilson = proportion_confint(won, 100, 0.05, method="wilson")[1]
        assert tango_upper(Discordant(0, won, 100), 0.025) == pytest.approx(wilson, abs=1e-9)


@pytest.mark.parametrize("counts", [BENTUR, CAVO, Discordant(100, 150, 4000)])
def test_the_midp_is_the_exact_p_without_half_of_the_point(counts: Discordant) -> None:
    table = [[0, counts.b], [counts.c, counts.n]]
    exact = mcnemar(table, exact=True).pvalue
    point = binom.pmf(min(counts.b, counts.c), counts.b + counts.c, 0.5)

    assert midp_two_sided(counts) == pytest.approx(exact - point, rel=1e-9)


def test_with_many_pairs_the_midp_is_mcnemars_without_correction() -> None:
    table = [[0, 900], [1000, 0]]
    asymptotic = mcnemar(table, exact=False, correction=False).pvalue

    assert midp_two_sided(Discordant(900, 1000, 4000)) == pytest.approx(asymptotic, rel=1e-2)
