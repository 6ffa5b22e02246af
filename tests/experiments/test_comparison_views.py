import pytest

from experiments.comparison_views import comparison_view, evaluation_score, rounded_score
from experiments.models import Comparison
from tests.factories import ComparisonFactory, EvaluationFactory, UserFactory, member


@pytest.mark.parametrize(
    ("score", "metric", "told"),
    [
        (907_000, "accuracy", 910_000),
        (123_456, "log_loss", 120_000),
        (3_456_789, "mae", 3_500_000),
        (-2_345_678, "r2", -2_350_000),
    ],
)
def test_scores_are_rounded_to_points_or_two_digits(score: int, metric: str, told: int) -> None:
    assert rounded_score(score, metric) == told


@pytest.mark.django_db
def test_the_evidence_is_not_read_with_a_list_and_findings_come_without_it() -> None:
    comparison = ComparisonFactory(statistics={"n": 3, "evidence": {"accuracy": {}}})
    listed = Comparison.objects.with_names().get(pk=comparison.pk)
    assert listed.findings == comparison.findings == {"n": 3}
    assert "statistics" in listed.get_deferred_fields()
    assert listed.statistics["evidence"] == {"accuracy": {}}


@pytest.mark.django_db
def test_an_evaluation_is_rounded_for_those_who_compete_unless_accepted() -> None:
    refused = EvaluationFactory(comparison__status="refused", scores={"accuracy": 907_000})
    accepted = EvaluationFactory(comparison__status="accepted", scores={"accuracy": 907_000})
    reviewer = member(refused.project, "reviewer")
    assert evaluation_score(refused, UserFactory()) == (910_000, True)
    assert evaluation_score(refused, reviewer) == (907_000, False)
    assert evaluation_score(accepted, UserFactory()) == (907_000, False)


@pytest.mark.django_db
def test_scores_on_the_kept_rows_are_not_those_of_the_comparison() -> None:
    comparison = ComparisonFactory(status="accepted")
    for split, score in (("confirmation", 100_000), ("screening", 900_000)):
        EvaluationFactory(comparison=comparison, split=split, scores={"accuracy": score})
    assert comparison_view(comparison, UserFactory()).score_candidate == 900_000


@pytest.mark.django_db
def test_other_methods_are_shown_to_stewards_alone() -> None:
    look = {"method": "sign_flip", "low_ppm": 10_000, "high_ppm": 90_000, "p_value": 0.01}
    comparison = ComparisonFactory(status="accepted", statistics={"looks": [look]})
    reviewer = member(comparison.project, "reviewer")
    assert comparison_view(comparison, UserFactory()).looks == ()
    assert [one.method for one in comparison_view(comparison, reviewer).looks] == ["sign_flip"]
