import numpy as np
import pytest

from experiments.algorithms.estimates import PairedOutcomes, estimate
from experiments.algorithms.metrics import OutcomeError


def pair(metric: str, baseline: list[int], candidate: list[int]) -> PairedOutcomes:
    return PairedOutcomes(metric, np.array(baseline), np.array(candidate))


def test_scores_are_rounded_so_that_the_gain_is_never_overstated() -> None:
    hits = pair("accuracy", [1_000_000, 0, 0], [1_000_000, 1_000_000, 0])
    losses = pair("log_loss", [2, 2, 1] * 20, [1, 1, 0] * 20)

    accuracy, loss = estimate(hits, 0.025, 0, 1), estimate(losses, 0.025, 0, 1)

    assert (accuracy.baseline_score, accuracy.candidate_score) == (333_334, 666_666)
    assert accuracy.delta_ppm == 333_332
    assert (loss.baseline_score, loss.candidate_score, loss.delta_ppm) == (1, 1, 0)


def test_a_lower_loss_is_a_positive_gain() -> None:
    source = np.random.default_rng(1)
    baseline = source.integers(500_000, 900_000, 200)
    found = estimate(PairedOutcomes("log_loss", baseline, baseline - 1000), 0.025, 0, 1)

    assert found.gain_sum == 1000 * found.weight_sum
    assert found.reaches(1000)
    assert not found.reaches(1001)
    assert found.low == 1000
    assert found.delta_ppm == found.baseline_score - found.candidate_score > 0
    assert found.interval_method == "constant-difference"


@pytest.mark.parametrize(
    ("metric", "baseline", "candidate"),
    [
        ("accuracy", [0, 0], [0]),
        ("accuracy", [], []),
        ("accuracy", [1], [0]),
        ("accuracy", [0.0], [np.nan]),
        ("log_loss", [np.nan], [0.0]),
        ("log_loss", [2**60], [0]),
        ("loudness", [0], [0]),
    ],
)
def test_unusable_outcomes_are_refused(metric: str, baseline: list, candidate: list) -> None:
    with pytest.raises(OutcomeError):
        pair(metric, baseline, candidate)
