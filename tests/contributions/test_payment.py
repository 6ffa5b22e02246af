from dataclasses import replace

import pytest

from contributions.algorithms import sampling, shapley
from contributions.models import Improvement
from contributions.payment import Ground, Payment, payment_of
from experiments.models import Benchmark, Comparison
from tests.factories import ConfirmationFactory, ImprovementFactory

pytestmark = pytest.mark.django_db
GOOD = Ground(method=shapley.METHOD, has_control=True, reproduced=True, has_shares=True)


def gained(status: str = "confirmed", delta_ppm: int = 40_000) -> Improvement:
    """A gain of five points on benchmark rows, and what the kept rows said of it."""
    made = ImprovementFactory(delta_ppm=50_000, payable_ppm=0)
    Benchmark.objects.update(confirmation_ppm=200_000)
    ConfirmationFactory(comparison=made.comparison, status=status, delta_ppm=delta_ppm)
    return Improvement.objects.get(pk=made.pk)


@pytest.mark.parametrize(("delta_ppm", "paid"), [(40_000, 40_000), (60_000, 50_000)])
def test_the_lesser_of_both_gains_is_payable(delta_ppm: int, paid: int) -> None:
    assert payment_of(gained(delta_ppm=delta_ppm), GOOD) == Payment(paid)
    sampled = replace(GOOD, method=sampling.METHOD)
    assert payment_of(Improvement.objects.get(), sampled) == Payment(paid)


@pytest.mark.parametrize(
    ("ground", "reason"),
    [
        (replace(GOOD, has_control=False), "no_control"),
        (replace(GOOD, method="knn-shapley/1"), "indicative_method"),
        (replace(GOOD, reproduced=False), "not_reproduced"),
        (replace(GOOD, has_shares=False), "no_positive_share"),
    ],
)
def test_why_nothing_is_payable_is_told(ground: Ground, reason: str) -> None:
    assert payment_of(gained(), ground) == Payment(0, reason)


@pytest.mark.parametrize("status", ["unconfirmed", "requested", "failed"])
def test_nothing_is_payable_that_was_not_confirmed(status: str) -> None:
    assert payment_of(gained(status), GOOD) == Payment(0, "unconfirmed")


def test_without_kept_rows_nothing_is_payable() -> None:
    improvement = ImprovementFactory()
    assert payment_of(improvement, GOOD) == Payment(0, "no_confirmation_split")


@pytest.mark.parametrize(
    ("effect", "payment"), [(7, Payment(7)), (0, Payment(0, "no_data_effect"))]
)
def test_at_most_the_effect_of_the_data_is_payable(effect: int, payment: Payment) -> None:
    gained()
    Comparison.objects.update(statistics={"control": {"data_effect_ppm": effect}})
    assert payment_of(Improvement.objects.get(), GOOD) == payment


def test_at_most_what_persons_are_worth_is_payable_where_other_rows_were_added_too() -> None:
    assert payment_of(gained(), replace(GOOD, attributed_ppm=9_000)) == Payment(9_000)
