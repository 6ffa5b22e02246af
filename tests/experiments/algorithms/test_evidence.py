"""Evidence is enough: plain Python repeats bound and p from it alone."""

import json
import math

import numpy as np
import pytest

from experiments.algorithms.bootstrap import resample_units
from experiments.algorithms.delong import area_difference
from experiments.algorithms.differences import sample_of
from experiments.algorithms.estimates import estimate
from experiments.algorithms.evidence import evidence_of
from experiments.algorithms.outcomes import PairedOutcomes, weights_ppm
from experiments.algorithms.paired import Discordant, midp_greater, tango_lower, tango_p_greater
from tests.experiments.algorithms import twin
from tests.experiments.algorithms.outcome_examples import EVERY_METRIC, paired

SUMS = [name for name in EVERY_METRIC if name != "auroc"]
CASES = [
    (name, weighted, clustered)
    for name in SUMS
    for weighted, clustered in ((False, False), (True, True))
    if (name, weighted) != ("accuracy", False)
]


@pytest.mark.parametrize(("name", "weighted", "clustered"), CASES)
def test_plain_python_repeats_every_resample(name: str, weighted: bool, clustered: bool) -> None:
    outcomes = paired(name, 150, weighted=weighted, clustered=clustered)
    evidence = evidence_of(outcomes, seed=11)

    ours = resample_units(
        sample_of(outcomes.found, np.array(evidence["units"])), seed=11, resamples=1000
    ).t_values[:1000]
    theirs = np.array(twin.t_values(name, evidence["units"], 11, 1000))

    assert evidence["form"] == "sums"
    assert (np.isfinite(ours) == np.isfinite(theirs)).all()
    seen = np.isfinite(ours)
    np.testing.assert_allclose(theirs[seen], ours[seen], rtol=0, atol=1e-9)


@pytest.mark.parametrize("alpha", [0.025, 1e-5])
def test_plain_python_repeats_bounds_and_p(alpha: float) -> None:
    outcomes = paired("brier_score", 40, seed=5)
    units = evidence_of(outcomes, seed=2)["units"]
    margin = -30_000

    low, high, p_value = twin.estimate("brier_score", units, 2, alpha, margin)
    ours = estimate(outcomes, alpha, margin, seed=2)

    assert (low, high) == pytest.approx((ours.low, ours.high), abs=1e-3)
    assert p_value == pytest.approx(ours.p_value, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_plain_python_repeats_delong(weighted: bool, clustered: bool) -> None:
    outcomes = paired("auroc", weighted=weighted, clustered=clustered)
    evidence = evidence_of(outcomes, seed=1)

    gain, error, degrees = twin.area_difference(evidence["units"])
    weights = weights_ppm(outcomes).astype(float) if weighted else None
    ours = area_difference(outcomes.baseline, outcomes.candidate, weights, outcomes.clusters)

    assert evidence["form"] == "ranks"
    assert (gain, error) == pytest.approx((ours.mean, ours.standard_error), abs=1e-12)
    assert degrees == ours.n - 1


@pytest.mark.parametrize("counts", [(7, 1, 21), (16, 6, 161), (100, 250, 4000), (0, 0, 50)])
def test_plain_python_repeats_counts(counts: tuple[int, int, int]) -> None:
    ours = Discordant(*counts)

    assert twin.midp(counts[0], counts[1]) == pytest.approx(midp_greater(ours), rel=1e-12)
    assert twin.tango_p(*counts, 0.01) == pytest.approx(tango_p_greater(ours, 0.01), rel=1e-9)
    assert twin.tango_lower(*counts, 0.01) == pytest.approx(tango_lower(ours, 0.01), abs=1e-12)


@pytest.mark.parametrize("degrees", [5, 29, 1000])
def test_plain_python_knows_students_t(degrees: int) -> None:
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415

    for alpha in (0.4, 0.01, 1e-9):
        expected = -float(stdtrit(degrees, alpha))
        assert twin.student_quantile(alpha, degrees) == pytest.approx(expected, rel=1e-9)
    assert twin.student_tail(3.3, degrees) == pytest.approx(stdtr(degrees, -3.3), rel=1e-9)


def test_hits_and_misses_leave_three_counts() -> None:
    outcomes = paired("accuracy")
    evidence = evidence_of(outcomes, seed=1)

    assert set(evidence) == {"form", "metric", "n", "b", "c"}
    assert evidence["n"] == 200


@pytest.mark.parametrize("name", EVERY_METRIC)
def test_evidence_is_integers_and_tells_no_order_of_rows(name: str) -> None:
    outcomes = paired(name, weighted=True, clustered=True)
    shuffled = outcomes.only(np.random.default_rng(1).permutation(outcomes.n))

    text = json.dumps(evidence_of(outcomes, seed=1))

    assert "." not in text.replace("ndcg@5", "")
    assert json.dumps(evidence_of(shuffled, seed=1)) == text


def test_the_decision_does_not_depend_on_the_order_of_rows() -> None:
    outcomes = paired("log_loss")
    shuffled = outcomes.only(np.random.default_rng(1).permutation(outcomes.n))

    assert estimate(outcomes, 0.01, 0, 3) == estimate(shuffled, 0.01, 0, 3)


def test_a_single_order_of_clusters_is_told_too() -> None:
    outcomes = paired("auroc", clustered=True)
    renamed = PairedOutcomes(
        "auroc", outcomes.baseline, outcomes.candidate, clusters=99 - outcomes.clusters
    )

    assert evidence_of(renamed, 1) == evidence_of(outcomes, 1)
    assert math.isfinite(estimate(outcomes, 0.01, 0, 1).low)
