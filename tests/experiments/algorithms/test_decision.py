import dataclasses
import math

import numpy as np
import pytest

from experiments.algorithms.decision import (
    Decision,
    Guardrail,
    PairedOutcomes,
    Policy,
    Reason,
    confirm,
    decide,
)
from experiments.algorithms.metrics import SCALE, OutcomeError
from experiments.algorithms.paired import Discordant, midp_greater, tango_lower
from experiments.algorithms.spending import alpha_for_attempt
from tests.experiments.algorithms.outcome_examples import EVERY_METRIC, paired

POLICY = Policy("accuracy")


def hits(b: int, c: int, n: int) -> PairedOutcomes:
    """Rows that only the baseline, only the candidate and both get right."""
    baseline = np.ones(n, dtype=np.int64) * SCALE
    candidate = baseline.copy()
    candidate[:b] = 0
    baseline[b : b + c] = 0
    return PairedOutcomes("accuracy", baseline, candidate)


def losses(shift: int, n: int = 400, spread: int = 1000) -> PairedOutcomes:
    source = np.random.default_rng(7)
    baseline = source.integers(200_000, 900_000, n)
    candidate = baseline + shift + source.integers(-spread, spread + 1, n)
    return PairedOutcomes("log_loss", baseline, candidate)


def decide_hits(b: int, c: int, n: int, policy: Policy = POLICY, attempt: int = 1) -> Decision:
    return decide(policy, attempt, {"accuracy": hits(b, c, n)}, seed=1)


def test_a_clear_gain_is_accepted_with_every_number() -> None:
    decision = decide_hits(100, 250, 4000)
    alpha = alpha_for_attempt(0.025, 1)
    counts = Discordant(100, 250, 4000)

    assert (decision.accepted, decision.reason) == (True, Reason.ACCEPTED)
    assert (decision.b, decision.c, decision.n) == (100, 250, 4000)
    assert (decision.baseline_score, decision.candidate_score) == (937_500, 975_000)
    assert decision.delta_ppm == 37_500
    assert decision.interval_low == math.floor(tango_lower(counts, alpha) * SCALE)
    assert decision.p_value == midp_greater(counts)
    assert decision.p_e9 == math.ceil(midp_greater(counts) * 1e9)
    assert decision.alpha_e9 == 15_198_177
    assert decision.level_e9 == math.floor((1 - 2 * alpha) * 1e9)
    assert (decision.interval_method, decision.test_method) == ("tango-score", "mcnemar-midp")
    assert decision.sentence


def test_a_gain_of_exactly_the_minimum_reaches_it_and_one_row_less_does_not() -> None:
    policy = Policy("accuracy", minimum_gain=10_000)

    assert decide_hits(0, 40, 4000, policy).accepted
    assert decide_hits(0, 39, 4000, policy).reason == Reason.BELOW_MINIMUM_GAIN


def test_the_exact_gain_decides_where_printed_integers_would_refuse() -> None:
    # 30 of 3000 rows is exactly one point, but both scores are rounded to the worse side.
    outcomes = hits(0, 30, 3000)
    outcomes.baseline[-1] = outcomes.candidate[-1] = 0

    decision = decide(POLICY, 1, {"accuracy": outcomes}, seed=1)

    assert decision.delta_ppm < 10_000
    assert decision.accepted


def test_a_gain_within_chance_is_below_the_margin() -> None:
    assert decide_hits(180, 220, 4000).reason == Reason.BELOW_MARGIN


def test_a_margin_must_be_exceeded_by_the_bound() -> None:
    policy = Policy("accuracy", margin=10_000)

    refused, accepted = decide_hits(100, 170, 4000, policy), decide_hits(100, 250, 4000, policy)

    assert refused.reason == Reason.BELOW_MARGIN
    assert refused.test_method == "tango-score"
    assert refused.p_value > alpha_for_attempt(0.025, 1)
    assert accepted.accepted
    assert accepted.interval_low > 10_000


def test_a_loss_is_a_regression_with_a_negative_delta() -> None:
    decision = decide_hits(250, 100, 4000)

    assert decision.reason == Reason.REGRESSION
    assert decision.delta_ppm == -37_500


def test_no_difference_at_all_is_not_a_gain() -> None:
    policy = Policy("accuracy", minimum_gain=0)

    assert decide_hits(0, 0, 4000, policy).reason == Reason.BELOW_MARGIN


def test_later_attempts_need_stronger_evidence() -> None:
    assert decide_hits(100, 150, 4000, attempt=1).accepted
    later = decide_hits(100, 150, 4000, attempt=10)

    assert later.reason == Reason.BELOW_MARGIN
    assert later.alpha_k == alpha_for_attempt(0.025, 10)
    assert later.level == 1 - 2 * later.alpha_k


def test_few_rows_prove_nothing() -> None:
    assert decide_hits(0, 29, 29).reason == Reason.TOO_FEW_ROWS
    few = decide(Policy("log_loss"), 1, {"log_loss": losses(-50_000, n=20)}, seed=1)

    assert few.reason == Reason.TOO_FEW_ROWS
    assert few.interval_low == -(2**53) + 1


def test_a_lower_loss_is_accepted_and_its_delta_is_positive() -> None:
    decision = decide(Policy("log_loss"), 1, {"log_loss": losses(-20_000)}, seed=1)

    assert decision.accepted
    assert 19_000 < decision.interval_low <= decision.delta_ppm <= decision.interval_high
    assert decision.delta_ppm == decision.baseline_score - decision.candidate_score
    assert decision.interval_method == "studentised-bootstrap"
    assert decision.b is None


def test_a_higher_loss_is_a_regression() -> None:
    decision = decide(Policy("log_loss"), 1, {"log_loss": losses(20_000)}, seed=1)

    assert decision.reason == Reason.REGRESSION


def test_a_missing_guardrail_refuses() -> None:
    policy = Policy("accuracy", guardrails=(Guardrail("log_loss", 10_000),))

    decision = decide_hits(100, 250, 4000, policy)

    assert decision.reason == Reason.GUARDRAIL_MISSING
    assert decision.guardrails[0].harm_upper is None
    assert not decision.guardrails[0].passed


@pytest.mark.parametrize(
    ("shift", "margin", "passed"),
    [(5_000, 10_000, True), (9_990, 10_000, False), (20_000, 10_000, False), (-5_000, 0, True)],
)
def test_a_guardrail_passes_when_its_harm_is_surely_within_the_margin(
    shift: int, margin: int, passed: bool
) -> None:
    policy = Policy("accuracy", guardrails=(Guardrail("log_loss", margin),))
    outcomes = {"accuracy": hits(100, 250, 4000), "log_loss": losses(shift)}

    decision = decide(policy, 1, outcomes, seed=1)

    assert decision.guardrails[0].passed is passed
    assert decision.accepted is passed
    assert (decision.guardrails[0].harm_upper <= margin) is passed
    if not passed:
        assert decision.reason == Reason.GUARDRAIL_FAILED


def test_a_slice_can_be_a_guardrail_under_its_own_name() -> None:
    policy = Policy("accuracy", guardrails=(Guardrail("accuracy@night", 20_000),))
    outcomes = {"accuracy": hits(100, 250, 4000), "accuracy@night": hits(90, 10, 1000)}

    decision = decide(policy, 1, outcomes, seed=1)

    assert decision.reason == Reason.GUARDRAIL_FAILED
    assert decision.guardrails[0].harm_upper > 80_000


def test_the_same_input_gives_the_same_decision() -> None:
    outcomes = {"log_loss": losses(-300, spread=50_000)}
    first = decide(Policy("log_loss"), 3, outcomes, seed=11)
    second = decide(Policy("log_loss"), 3, outcomes, seed=11)

    assert dataclasses.asdict(first) == dataclasses.asdict(second)


def test_an_unmeasured_metric_is_an_error() -> None:
    with pytest.raises(OutcomeError):
        decide(POLICY, 1, {"log_loss": losses(0)}, seed=1)


def test_an_attempt_of_zero_is_an_error() -> None:
    with pytest.raises(ValueError, match="Attempts"):
        decide_hits(1, 2, 100, attempt=0)


def test_worthless_candidates_are_accepted_no_more_often_than_alpha() -> None:
    source = np.random.default_rng(20)
    policy = Policy("accuracy", minimum_gain=0)
    accepted = 0
    for _ in range(1500):
        b, c, _same = source.multinomial(1000, [0.05, 0.05, 0.9])
        accepted += decide_hits(int(b), int(c), 1000, policy).accepted

    # 0.0152 of 1,500 is 23, with a standard deviation of 4.7.
    assert accepted <= 38


def clustered(clusters: int, gain: int) -> PairedOutcomes:
    source = np.random.default_rng(9)
    codes = np.repeat(np.arange(clusters), 12)
    baseline = source.integers(200_000, 900_000, len(codes))
    candidate = baseline - gain + source.integers(-20_000, 20_000, clusters)[codes]
    return PairedOutcomes("log_loss", baseline, candidate, clusters=codes)


def test_below_thirty_clusters_the_decision_is_refused_with_its_reason() -> None:
    few = decide(Policy("log_loss"), 1, {"log_loss": clustered(29, 90_000)}, seed=1)
    enough = decide(Policy("log_loss"), 1, {"log_loss": clustered(30, 90_000)}, seed=1)

    assert (few.accepted, few.reason, few.clusters) == (False, Reason.TOO_FEW_CLUSTERS, 29)
    assert "30 clusters" in few.sentence
    assert (enough.accepted, enough.clusters) == (True, 30)


def test_a_guardrail_in_too_few_clusters_fails() -> None:
    policy = Policy("accuracy", guardrails=(Guardrail("log_loss", 10_000),))
    outcomes = {"accuracy": hits(100, 250, 4000), "log_loss": clustered(20, 90_000)}

    decision = decide(policy, 1, outcomes, seed=1)

    assert decision.reason == Reason.GUARDRAIL_FAILED
    assert decision.guardrails[0].harm_upper is None


def test_weights_are_told_in_the_decision() -> None:
    plain = hits(10, 40, 400)
    weights = np.linspace(0.5, 1.5, 400)
    weighed = PairedOutcomes("accuracy", plain.baseline, plain.candidate, weights)

    decision = decide(POLICY, 1, {"accuracy": weighed}, seed=1)

    assert (decision.weighted, decision.b) == (True, None)
    assert decision.interval_method == "studentised-bootstrap"
    assert not decide_hits(100, 250, 4000).weighted


def test_slices_are_told_and_decide_nothing() -> None:
    outcomes = {"accuracy": hits(100, 250, 4000)}
    sites = ["worse"] * 100 + ["better"] * 3900

    bare, sliced = decide(POLICY, 1, outcomes, 1), decide(POLICY, 1, outcomes, 1, {"site": sites})

    assert sliced.accepted
    assert {one.value: one.delta_ppm for one in sliced.slices}["worse"] == -1_000_000
    assert dataclasses.replace(sliced, slices=()) == bare


def test_confirmation_asks_for_the_margin_alone() -> None:
    policy = Policy("accuracy", minimum_gain=20_000, guardrails=(Guardrail("log_loss", 10_000),))
    outcomes = {"accuracy": hits(30, 75, 4000)}

    assert confirm(policy, 1, outcomes, seed=1).accepted
    assert decide(policy, 1, outcomes, seed=1).reason == Reason.GUARDRAIL_MISSING
    within_chance = {"accuracy": hits(180, 220, 4000)}
    assert confirm(policy, 1, within_chance, seed=1).reason == Reason.BELOW_MARGIN


@pytest.mark.parametrize("name", [name for name in EVERY_METRIC if name != "accuracy"])
def test_every_metric_can_decide(name: str) -> None:
    decision = decide(Policy(name), 1, {name: paired(name, 300)}, seed=1)

    assert decision.reason in (Reason.BELOW_MARGIN, Reason.REGRESSION)
    assert decision.interval_low <= decision.delta_ppm <= decision.interval_high
    assert decision.metric == name
