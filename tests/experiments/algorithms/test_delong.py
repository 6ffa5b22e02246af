"""Published example: three tests of 43 patients, DeLong, DeLong, Clarke-Pearson 1988.

Data and figures as in the SAS/STAT documentation of PROC LOGISTIC, "Comparing Receiver Operating
Characteristic Curves": albumin, total protein, K-G score (10 - totscore), and the outcome.
"""

import numpy as np
import pytest

from experiments.algorithms.delong import AreaDifference, area_difference
from experiments.algorithms.metrics import OutcomeError

FIGURES = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0
1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1
4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1
3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1
3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1
3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1
3.6 6.6 5 1
"""
PATIENTS = np.array([float(figure) for figure in FIGURES.split()]).reshape(-1, 4)


def places(scores: np.ndarray) -> np.ndarray:
    order = np.unique(scores, return_inverse=True)[1]
    return np.column_stack([order, PATIENTS[:, 3].astype(int)])


ALBUMIN, PROTEIN = places(PATIENTS[:, 0]), places(PATIENTS[:, 1])
KG_SCORE = places(10 - PATIENTS[:, 2])


def test_areas_and_their_difference_equal_the_published_example() -> None:
    protein = area_difference(KG_SCORE, PROTEIN)
    albumin = area_difference(KG_SCORE, ALBUMIN)

    assert (protein.baseline, protein.candidate) == pytest.approx((0.7258, 0.6478), abs=5e-5)
    assert albumin.candidate == pytest.approx(0.7366, abs=5e-5)
    assert protein.mean == pytest.approx(-0.0780, abs=5e-5)
    assert protein.standard_error == pytest.approx(0.1046, abs=5e-5)
    assert albumin.standard_error == pytest.approx(0.0953, abs=5e-5)
    assert (protein.mean / protein.standard_error) ** 2 == pytest.approx(0.5554, abs=5e-5)
    assert protein.p_normal() == pytest.approx(0.4561, abs=5e-5)


def test_rows_written_twice_in_one_cluster_say_no_more_than_once() -> None:
    """Obuchowski 1997: the variance sums over clusters, so that a copy adds nothing."""
    alone = area_difference(KG_SCORE, ALBUMIN)
    clusters = np.tile(np.arange(len(ALBUMIN)), 2)
    twice = [np.concatenate([rows, rows]) for rows in (KG_SCORE, ALBUMIN)]

    clustered = area_difference(*twice, clusters=clusters)
    believed = area_difference(*twice)

    assert clustered.mean == pytest.approx(alone.mean)
    assert clustered.standard_error == pytest.approx(alone.standard_error, rel=1e-9)
    assert believed.standard_error < 0.8 * alone.standard_error


def test_a_weight_counts_a_row_that_often() -> None:
    weights = np.where(np.arange(len(ALBUMIN)) % 3 == 0, 2, 1)
    repeated = np.repeat(np.arange(len(ALBUMIN)), weights)

    weighted = area_difference(KG_SCORE, ALBUMIN, weights.astype(float))
    written = area_difference(KG_SCORE[repeated], ALBUMIN[repeated], clusters=repeated)

    assert weighted.mean == pytest.approx(written.mean)
    assert weighted.standard_error == pytest.approx(written.standard_error, rel=1e-9)


def test_bound_and_p_are_one_test_inverted() -> None:
    found = area_difference(KG_SCORE, ALBUMIN)

    for alpha in (0.2, 0.01, 1e-6):
        assert found.p_greater(found.lower(alpha)) == pytest.approx(alpha)
        assert found.p_less(found.upper(alpha)) == pytest.approx(alpha)


def test_the_bound_is_wider_than_the_normals() -> None:
    found = area_difference(KG_SCORE, ALBUMIN)

    assert found.lower(0.025) < found.mean - 1.96 * found.standard_error


def test_equal_scores_differ_by_nothing() -> None:
    same = area_difference(ALBUMIN, ALBUMIN)

    assert (same.mean, same.standard_error, same.method) == (0.0, 0.0, "constant-difference")
    assert same.p_greater(0.0) == 1.0
    assert same.upper(0.025) == 0.0
    assert AreaDifference(0.5, 1.0, 0.5, 0.0, 40).p_greater(0.0) == 0.5**40


def test_a_class_must_lie_in_two_units() -> None:
    one_class = np.column_stack([np.arange(5), np.ones(5, dtype=int)])
    lonely = np.column_stack([np.arange(5), [1, 0, 0, 0, 0]])

    with pytest.raises(OutcomeError, match="one class"):
        area_difference(one_class, one_class)
    with pytest.raises(OutcomeError, match="two units"):
        area_difference(lonely, lonely)
