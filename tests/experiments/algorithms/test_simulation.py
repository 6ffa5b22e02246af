"""Quick forms of the simulation; docs/statistics.md keeps the result of the full one."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from experiments.algorithms.power import power_at
from experiments.algorithms.simulation import (
    ALPHA,
    Rate,
    all_families,
    clustered_family,
    continuous_clustered_family,
    find_gains,
    is_hopeless,
    play_ledgers,
    rows_family,
)
from experiments.algorithms.spending import alpha_for_attempt
from tests.experiments.algorithms.outcome_examples import paired


@pytest.mark.parametrize(
    ("family", "ledgers"),
    [
        (rows_family(800, 0.1, 0.0), 150),
        (rows_family(2239, 0.1, 0.01), 100),
        (clustered_family(40), 25),
        (continuous_clustered_family(40), 25),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_ledgers_at_the_boundary_are_rarely_accepted(family: object, ledgers: int) -> None:
    rate = play_ledgers(family, ledgers, attempts=20, seed=4)  # type: ignore[arg-type]

    assert rate.is_compatible_with_at_most(ALPHA)


def test_rows_believed_to_be_alone_would_be_accepted_too_often() -> None:
    """The same clusters without being told: what the cluster methods are for."""
    family = clustered_family(40)

    def deaf(source: object) -> object:
        outcomes = family.draw(source)  # type: ignore[arg-type]
        return type(outcomes)("accuracy", outcomes.baseline, outcomes.candidate)

    careless = type(family)("rows", 0, deaf)  # type: ignore[arg-type]

    assert not play_ledgers(careless, 150, 20, seed=4).is_compatible_with_at_most(ALPHA)


@pytest.mark.parametrize(("n", "attempt"), [(2239, 1), (5704, 20), (800, 1)])
def test_real_gains_are_found_as_often_as_planned(n: int, attempt: int) -> None:
    found = find_gains(
        n=n, gain=0.03, disagreement=0.1, margin=0.01, attempt=attempt, tries=600, seed=6
    )
    planned = power_at(n, 0.03, 0.1, alpha_for_attempt(ALPHA, attempt), 0.01)

    # Four standard deviations of 600 tries, and what the approximation is off by.
    assert found.share == pytest.approx(planned, abs=0.09)


def test_the_interval_of_a_rate_is_clopper_pearsons() -> None:
    for happened, of in ((0, 50), (3, 50), (50, 50)):
        expected = proportion_confint(happened, of, 0.05, method="beta")
        assert Rate(happened, of).interval == pytest.approx(expected)


def test_too_many_false_accepts_are_noticed() -> None:
    assert not Rate(40, 400).is_compatible_with_at_most(ALPHA)
    assert Rate(10, 400).is_compatible_with_at_most(ALPHA)
    assert Rate(0, 400).is_compatible_with_at_most(ALPHA)


def test_every_family_draws_outcomes_of_its_metric() -> None:
    import numpy as np  # noqa: PLC0415

    for family in all_families():
        assert family.draw(np.random.default_rng(1)).metric == family.metric


def test_a_clear_gain_is_not_hopeless() -> None:
    outcomes = paired("log_loss")
    better = type(outcomes)("log_loss", outcomes.baseline, outcomes.baseline - 1000)

    assert not is_hopeless(better, 0, 0.01)
    assert is_hopeless(better, 2000, 0.01)
