import pytest
from django.db import IntegrityError, transaction

from experiments.choices import BenchmarkStatus, ComparisonStatus
from experiments.models import Comparison, Evaluation
from hokusai.core.errors import InvalidTransition
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    EvaluationFactory,
    ExperimentFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def test_the_database_refuses_a_benchmark_approved_by_its_maker() -> None:
    person = UserFactory()
    with pytest.raises(IntegrityError, match="benchmark_by_two_persons"), transaction.atomic():
        BenchmarkFactory(created_by=person, approved_by=person)
    assert BenchmarkFactory(created_by=person, approved_by=None).approved_by is None


@pytest.mark.parametrize("alpha", [0.0, 0.5, -1.0])
def test_the_database_refuses_an_alpha_that_tests_nothing(alpha: float) -> None:
    with pytest.raises(IntegrityError, match="benchmark_alpha_sane"), transaction.atomic():
        BenchmarkFactory(alpha=alpha)


def test_the_database_keeps_one_comparison_per_pair_and_benchmark() -> None:
    first = ComparisonFactory()
    with pytest.raises(IntegrityError, match="same_pair_once"), transaction.atomic():
        ComparisonFactory(
            benchmark=first.benchmark, baseline=first.baseline, candidate=first.candidate
        )


def test_the_database_refuses_a_version_against_itself() -> None:
    first = ComparisonFactory()
    with pytest.raises(IntegrityError, match="comparison_of_two"), transaction.atomic():
        Comparison.objects.filter(pk=first.pk).update(candidate=first.baseline)


def test_the_database_keeps_one_evaluation_per_half() -> None:
    first = EvaluationFactory()
    with pytest.raises(IntegrityError, match="evaluation_once"), transaction.atomic():
        EvaluationFactory(comparison=first.comparison)


def test_the_database_knows_every_status() -> None:
    comparison, benchmark = ComparisonFactory(), BenchmarkFactory()
    for row, name in ((comparison, "comparison_status"), (benchmark, "benchmark_status")):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(status="lost")
    evaluation = EvaluationFactory(comparison=comparison)
    with pytest.raises(IntegrityError, match="evaluation_role"), transaction.atomic():
        Evaluation.objects.filter(pk=evaluation.pk).update(role="judge")


@pytest.mark.parametrize(
    "status", [ComparisonStatus.ACCEPTED, ComparisonStatus.REFUSED], ids=lambda s: s.value
)
def test_a_verdict_is_final(status: ComparisonStatus) -> None:
    comparison = ComparisonFactory(status=status)
    for target in ComparisonStatus:
        with pytest.raises(InvalidTransition):
            comparison.move_to(target)
    assert comparison.status == status


def test_a_failure_is_no_verdict_and_may_be_tried_again() -> None:
    comparison = ComparisonFactory(status=ComparisonStatus.FAILED)
    comparison.move_to(ComparisonStatus.REQUESTED)
    comparison.move_to(ComparisonStatus.ACCEPTED)
    assert comparison.status == ComparisonStatus.ACCEPTED


def test_a_benchmark_never_becomes_a_draft_again() -> None:
    for status in (BenchmarkStatus.APPROVED, BenchmarkStatus.RETIRED):
        with pytest.raises(InvalidTransition):
            BenchmarkFactory(status=status).move_to(BenchmarkStatus.DRAFT)


def test_rows_name_themselves_and_their_project() -> None:
    evaluation = EvaluationFactory()
    comparison = evaluation.comparison
    assert str(comparison) == f"{comparison.candidate} against v1"
    assert str(evaluation) == f"{comparison.candidate} on {comparison.benchmark}"
    assert evaluation.project == comparison.project == comparison.benchmark.project
    assert str(ExperimentFactory(name="More data")) == "More data"


def test_decided_comparisons_are_those_with_a_verdict() -> None:
    rows = {status: ComparisonFactory(status=status) for status in ComparisonStatus}
    decided = {comparison.status for comparison in Comparison.objects.decided()}
    assert decided == {"accepted", "refused"}
    assert len(rows) == 4


def test_a_list_with_names_asks_the_database_once(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    ComparisonFactory(job=None)
    with django_assert_num_queries(1):  # type: ignore[operator]
        for row in Comparison.objects.with_names():
            assert str(row)
            assert row.project.slug
            assert row.requested_by.username


def test_experiments_are_listed_newest_first() -> None:
    first, second = ExperimentFactory(), ExperimentFactory()
    assert list(type(first).objects.all()) == [second, first]
