import pytest

from contributions.credit import NO_CONTRIBUTION, ROW_WEIGHTS, credit_by_rows
from contributions.models import Contribution
from registry.models import DatasetVersion
from tests.contributions.world import FEW, accepted, baseline_of, candidate_of, give
from tests.factories import ComparisonFactory, WalletFactory
from tests.measuring import Bench, bench, table, usable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("long_lease")]
ANNA, BEN, SPARE = slice(950, 990), slice(1150, 1190), slice(1350, 1370)
HALF = slice(950, 970)


@pytest.fixture
def of() -> Bench:
    return bench(table(slice(0, 40)))


def shares(of: Bench, *given: Contribution) -> list[int]:
    """Basis points in the order of the arguments."""
    credit = credit_by_rows(accepted(of, *given))
    assert set(credit.shares) <= {item.pk for item in given}
    if credit.shares:
        assert sum(credit.shares.values()) == 10_000
    return [credit.shares.get(item.pk, 0) for item in given]


def test_shares_are_in_proportion_to_rows_and_sum_to_ten_thousand(of: Bench) -> None:
    given = [give(of, table(part)) for part in (ANNA, BEN, SPARE)]
    assert shares(of, *given) == [4000, 4000, 2000]


def test_thirds_leave_no_point_over(of: Bench) -> None:
    parts = [slice(ANNA.start + 7 * n, ANNA.start + 7 * n + 7) for n in range(3)]
    found = shares(of, *(give(of, table(part)) for part in parts))
    assert sorted(found) == [3333, 3333, 3334]


def test_the_method_is_named(of: Bench) -> None:
    assert credit_by_rows(accepted(of, give(of, table(ANNA)))).method == ROW_WEIGHTS


def test_without_contributions_there_is_nothing_to_share(of: Bench) -> None:
    credit = credit_by_rows(accepted(of))
    assert (credit.method, credit.shares) == (NO_CONTRIBUTION, {})


@pytest.mark.parametrize(
    "copy",
    [
        table(FEW),
        table(FEW, shift=1),
        table(FEW, whole=True),
        table(FEW, extra="note"),
    ],
    ids=["as they are", "labels", "integers", "extra column"],
)
def test_rows_that_the_baseline_was_trained_on_earn_nothing(of: Bench, copy: bytes) -> None:
    assert shares(of, give(of, table(ANNA)), give(of, copy)) == [10_000, 0]


def test_who_gave_only_old_rows_alone_earns_nothing(of: Bench) -> None:
    credit = credit_by_rows(accepted(of, give(of, table(FEW))))
    assert (credit.method, credit.shares) == (NO_CONTRIBUTION, {})


@pytest.mark.parametrize("copy", [table(HALF), table(HALF, whole=True), table(HALF, extra="z")])
def test_rows_are_the_first_givers(of: Bench, copy: bytes) -> None:
    assert shares(of, give(of, table(ANNA)), give(of, copy), give(of, table(BEN))) == [
        5000,
        0,
        5000,
    ]


def test_the_order_of_giving_decides_not_the_order_of_training(of: Bench) -> None:
    first, second = give(of, table(HALF)), give(of, table(ANNA))
    assert shares(of, second, first) == [5000, 5000]


def test_rows_that_another_gave_before_earn_nothing_though_his_were_not_used(of: Bench) -> None:
    give(of, table(HALF))
    copied = give(of, table(HALF, whole=True))
    assert shares(of, copied, give(of, table(BEN))) == [0, 10_000]


def test_what_a_person_gave_before_unused_does_not_cost_the_same_person(of: Bench) -> None:
    wallet = WalletFactory()
    give(of, table(HALF), address=wallet.address)
    assert shares(of, give(of, table(HALF), address=wallet.address)) == [10_000]


def test_refused_and_withdrawn_rows_were_not_given(of: Bench) -> None:
    early = give(of, table(HALF))
    Contribution.objects.filter(pk=early.pk).update(status="withdrawn")
    assert shares(of, give(of, table(HALF))) == [10_000]


def test_a_row_given_many_times_counts_once(of: Bench) -> None:
    twice = table(HALF) + table(HALF).split(b"\n", 1)[1]
    assert shares(of, give(of, twice), give(of, table(BEN))) == [3333, 6667]


def test_a_contribution_in_the_baseline_is_paid_no_second_time(of: Bench) -> None:
    anna, ben = give(of, table(ANNA)), give(of, table(BEN))
    first = baseline_of(of, "1" * 64)
    baseline = candidate_of(of, "2" * 64, first, anna)
    candidate = candidate_of(of, "3" * 64, baseline, ben)
    comparison = ComparisonFactory(
        benchmark=of.benchmark, baseline=baseline, candidate=candidate, status="accepted"
    )
    assert credit_by_rows(comparison).shares == {ben.pk: 10_000}


def test_training_data_without_the_benchmarks_columns_is_no_rows(of: Bench) -> None:
    comparison = accepted(of, anna := give(of, table(ANNA)))
    other: DatasetVersion = usable(of.project, b"a,label\n1,0\n")
    comparison.baseline.training_data.add(other)
    assert credit_by_rows(comparison).shares == {anna.pk: 10_000}
