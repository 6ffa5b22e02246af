import math

import numpy as np
import pytest

from experiments.algorithms.estimates import Shortage, estimate
from experiments.algorithms.outcomes import PairedOutcomes
from tests.experiments.algorithms.outcome_examples import EVERY_METRIC, paired


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


def test_few_clusters_show_nothing_however_many_rows() -> None:
    source = np.random.default_rng(1)
    clusters = np.arange(580) % 29
    baseline = source.integers(500_000, 900_000, 580)

    found = estimate(
        PairedOutcomes("log_loss", baseline, baseline - 9000, clusters=clusters), 0.025, 0, 1
    )

    assert (found.shortage, found.low, found.p_value) == (Shortage.CLUSTERS, -math.inf, 1.0)
    assert (found.clusters, found.units, found.n) == (29, 29, 580)


@pytest.mark.parametrize("more", ["weights", "clusters"])
def test_weights_and_clusters_rule_counting_out(more: str) -> None:
    outcomes = paired("accuracy", weighted=more == "weights", clustered=more == "clusters")

    found = estimate(outcomes, 0.025, 0, 1)

    assert found.discordant is None
    assert (found.interval_method, found.test_method) == ("studentised-bootstrap",) * 2


def test_rows_that_repeat_each_other_widen_the_interval_when_clustered() -> None:
    alone = paired("log_loss", 200)
    copies = np.repeat(np.arange(200), 5)
    copied = alone.only(copies)
    told = PairedOutcomes("log_loss", copied.baseline, copied.candidate, clusters=copies)

    truth, believed, clustered = (estimate(one, 0.025, 0, 1) for one in (alone, copied, told))

    assert believed.high - believed.low < 0.6 * (truth.high - truth.low)
    assert clustered.high - clustered.low == pytest.approx(truth.high - truth.low, rel=1e-9)


@pytest.mark.parametrize("name", EVERY_METRIC)
@pytest.mark.parametrize("clustered", [False, True])
def test_every_metric_has_bounds_around_its_gain(name: str, clustered: bool) -> None:
    outcomes = paired(name, 300, weighted=clustered, clustered=clustered)

    found = estimate(outcomes, 0.025, 0, 1)

    gain = found.gain_sum / found.weight_sum
    assert found.low < gain < found.high
    assert found.delta_ppm <= gain < found.delta_ppm + 3
    assert 0 < found.p_value < 1
    assert found.p_two_sided == pytest.approx(2 * min(found.p_value, 1 - found.p_value), abs=0.05)


def test_two_weights_count_a_row_twice() -> None:
    outcomes = paired("rmse", 60)
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    weighed = PairedOutcomes("rmse", outcomes.baseline, outcomes.candidate, weights)
    written = outcomes.only(np.repeat(np.arange(60), weights.astype(int)))

    one, other = estimate(weighed, 0.025, 0, 1), estimate(written, 0.025, 0, 1)

    # Weights are kept in millionths of their mean.
    assert one.gain_sum == pytest.approx(other.gain_sum, rel=1e-5)


def test_equal_models_gain_nothing() -> None:
    outcomes = paired("f1", 100)
    same = PairedOutcomes("f1", outcomes.baseline, outcomes.baseline)

    found = estimate(same, 0.025, 0, 1)

    # Scores are rounded to the worse side, so that equal ones may differ by one millionth.
    assert found.delta_ppm in (0, -1)
    assert (found.gain_sum, found.p_value) == (0, 1.0)
    assert found.interval_method == "constant-difference"
