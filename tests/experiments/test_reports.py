from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from experiments.models import Comparison
from experiments.reports import comparison_view, decided_per_week, measured_history
from hokusai.accounts.choices import Role
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    EvaluationFactory,
    ModelVersionFactory,
    UserFactory,
    member,
)

pytestmark = pytest.mark.django_db
CONFUSION = {"labels": ["no", "yes"], "counts": [[3, 1], [0, 4]]}
GUARDRAIL = {"metric": "log_loss", "margin": 50_000, "harm_upper": 900, "passed": True}


def decided(status: str, **fields: Any) -> Comparison:
    comparison = ComparisonFactory(
        status=status,
        reason="accepted" if status == "accepted" else "regression",
        explanation="A sentence.",
        delta_ppm=72_500,
        low_ppm=50_000,
        high_ppm=90_000,
        p_value=0.001,
        decided_at=timezone.now(),
        statistics={"guardrails": [GUARDRAIL]},
        **fields,
    )
    for role, score in (("baseline", 816_999), ("candidate", 884_999)):
        EvaluationFactory(
            comparison=comparison,
            version=getattr(comparison, role),
            role=role,
            scores={"accuracy": score},
            confusion=CONFUSION,
        )
    return comparison


def test_a_refused_attempt_tells_its_competitor_rounded_scores_and_nothing_else() -> None:
    comparison = decided("refused")
    view = comparison_view(comparison, member(comparison.project, Role.ENGINEER))
    assert (view.score_baseline, view.score_candidate) == (820_000, 880_000)
    assert view.rounded
    assert (view.reason, view.explanation) == ("", "")
    hidden = (view.delta_ppm, view.low_ppm, view.high_ppm, view.p_value)
    assert hidden == (None, None, None, None)
    assert view.guardrails == view.confusions == ()


def test_an_accepted_attempt_tells_everybody_its_numbers_but_no_confusion() -> None:
    comparison = decided("accepted")
    view = comparison_view(comparison, UserFactory())
    assert (view.score_baseline, view.score_candidate) == (816_999, 884_999)
    assert (view.delta_ppm, view.low_ppm, view.high_ppm) == (72_500, 50_000, 90_000)
    assert not view.rounded
    [guardrail] = view.guardrails
    assert (guardrail.metric, guardrail.harm_upper_ppm, guardrail.passed) == ("log_loss", 900, True)
    assert view.confusions == ()


@pytest.mark.parametrize("status", ["accepted", "refused"])
def test_a_steward_sees_everything(status: str) -> None:
    comparison = decided(status)
    view = comparison_view(comparison, member(comparison.project, Role.REVIEWER))
    assert view.delta_ppm == 72_500
    assert view.reason
    assert [item.role for item in view.confusions] == ["baseline", "candidate"]
    assert view.confusions[0].counts == ((3, 1), (0, 4))


def test_a_failure_tells_its_reason_and_an_open_one_has_no_numbers() -> None:
    failed = ComparisonFactory(
        status="failed", reason="evaluation_failed", explanation="It was stopped."
    )
    view = comparison_view(failed, member(failed.project))
    assert view.explanation == "It was stopped."
    assert (view.score_baseline, view.delta_ppm) == (None, None)


def test_decisions_are_counted_by_week_in_the_viewers_own_projects() -> None:
    comparison = decided("accepted")
    decided("refused", benchmark=comparison.benchmark)
    decided("refused", benchmark=comparison.benchmark)
    ComparisonFactory(benchmark=comparison.benchmark)
    decided("accepted")
    last_week = timezone.now() - timedelta(weeks=1)
    Comparison.objects.filter(pk=decided("accepted", benchmark=comparison.benchmark).pk).update(
        decided_at=last_week
    )
    viewer = member(comparison.project)
    weeks = decided_per_week(viewer, weeks=3)
    assert [(week.accepted, week.refused) for week in weeks] == [(0, 0), (1, 0), (1, 2)]
    assert all(not (w.accepted or w.refused) for w in decided_per_week(UserFactory(), weeks=3))


def test_measured_scores_are_those_that_the_viewer_may_see() -> None:
    accepted = decided("accepted")
    refused = decided(
        "refused",
        benchmark=accepted.benchmark,
        baseline=accepted.candidate,
        candidate=ModelVersionFactory(model=accepted.candidate.model),
    )
    model, project = accepted.candidate.model, accepted.project
    told = measured_history(model, member(project, Role.ENGINEER))
    assert told is not None
    assert [(score.score_ppm, score.verdict, score.rounded) for score in told.scores] == [
        (816_999, "baseline", False),
        (884_999, "accepted", False),
        (880_000, "refused", True),
    ]
    whole = measured_history(model, member(project, Role.REVIEWER))
    assert whole is not None
    assert whole.scores[-1].score_ppm == 884_999
    assert whole.scores[-1].version_id == refused.candidate_id


def test_what_is_open_or_hidden_measures_nothing() -> None:
    open_one = ComparisonFactory()
    assert measured_history(open_one.candidate.model, member(open_one.project)) is None
    hidden = decided("accepted")
    assert measured_history(hidden.candidate.model, UserFactory()) is None


def test_a_model_is_drawn_on_the_benchmark_that_decided_last() -> None:
    first = decided("accepted")
    other = BenchmarkFactory(project=first.project)
    last = decided("accepted", benchmark=other, baseline=first.candidate)
    history = measured_history(first.candidate.model, member(first.project))
    assert history is not None
    assert history.benchmark == other
    assert [score.version_id for score in history.scores] == [
        first.candidate_id,
        last.candidate_id,
    ]
