import pytest
from django.utils import timezone

from experiments.checks import BenchmarkPassed
from tests.factories import ComparisonFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


def test_a_first_version_passes() -> None:
    assert BenchmarkPassed().run(ModelVersionFactory()).passed


def test_a_later_version_that_was_never_compared_fails() -> None:
    first = ModelVersionFactory()
    result = BenchmarkPassed().run(ModelVersionFactory(model=first.model, parent=first))
    assert not result.passed
    assert "never compared" in result.message


def test_an_accepted_comparison_passes_and_is_named() -> None:
    comparison = ComparisonFactory(status="accepted", delta_ppm=72_500, decided_at=timezone.now())
    result = BenchmarkPassed().run(comparison.candidate)
    assert result.passed
    assert "7.25 percentage points" in result.message


def test_a_refused_comparison_fails_without_telling_why() -> None:
    comparison = ComparisonFactory(
        status="refused", decided_at=timezone.now(), explanation="The observed gain is 0.3 points."
    )
    result = BenchmarkPassed().run(comparison.candidate)
    assert not result.passed
    assert str(comparison) in result.message
    assert comparison.explanation not in result.message


@pytest.mark.parametrize("status", ["requested", "failed"])
def test_a_comparison_without_a_verdict_does_not_count(status: str) -> None:
    assert not BenchmarkPassed().run(ComparisonFactory(status=status).candidate).passed


def test_being_the_baseline_of_an_accepted_comparison_does_not_count() -> None:
    comparison = ComparisonFactory(status="accepted", decided_at=timezone.now())
    later = ModelVersionFactory(model=comparison.baseline.model, parent=comparison.baseline)
    assert not BenchmarkPassed().run(later).passed


def test_a_later_version_without_a_parent_is_no_way_around() -> None:
    first = ModelVersionFactory()
    assert not BenchmarkPassed().run(ModelVersionFactory(model=first.model, number=2)).passed
