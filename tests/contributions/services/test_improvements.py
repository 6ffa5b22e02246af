import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from contributions import services
from contributions.algorithms import knn_shapley, leave_one_out, shapley
from contributions.credit import Credit
from contributions.exceptions import AttributionImpossible
from contributions.models import Attribution, Contribution, Improvement, Share
from experiments.models import Comparison
from hokusai.accounts.services import actor_of
from hokusai.core import doorbell
from hokusai.core.errors import Conflict, DomainError, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.models import Model
from tests.contributions.crediting import accepted, credit_of, rival_of
from tests.factories import (
    ConfirmationFactory,
    ContributionFactory,
    ModelVersionFactory,
    TrainingFactory,
    UserFactory,
)

CREDIT = "contributions.services.improvements.credit_by_rows"


def credit_all(monkeypatch: pytest.MonkeyPatch, *given: Contribution, **fields: Any) -> None:
    """Let whatever is split go to these, in equal parts."""
    monkeypatch.setattr(CREDIT, lambda comparison: credit_of(*given, **fields))


def trained(comparison: Comparison) -> Comparison:
    """The same comparison, whose candidate the platform trained beside a control."""
    TrainingFactory(
        model=comparison.candidate.model,
        benchmark=comparison.benchmark,
        candidate=comparison.candidate,
        control=ModelVersionFactory(model=comparison.candidate.model),
    )
    return comparison


def confirmed(comparison: Comparison, status: str) -> Comparison:
    """The same comparison, decided on rows that were kept to confirm it."""
    type(comparison.benchmark).objects.filter(pk=comparison.benchmark_id).update(
        confirmation_ppm=300_000
    )
    ConfirmationFactory(comparison=comparison, status=status)
    return comparison


def test_an_accepted_gain_over_the_head_is_recorded_once_and_asks_for_a_signature(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = accepted()
    anna = ContributionFactory(model=comparison.candidate.model)
    credit_all(monkeypatch, anna)
    improvement = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert improvement is not None
    assert (improvement.delta_ppm, improvement.method) == (50_000, "by hand")
    assert list(improvement.shares.values_list("contribution", "basis_points")) == [
        (anna.pk, 10_000)
    ]
    assert improvement.attribution.status == "done"
    assert (improvement.payable_ppm, improvement.payable_reason) == (0, "no_control")
    assert improvement.attestation.status == "pending"
    assert improvement.attestation.job.kind == "attestation"
    model = Model.objects.get(pk=comparison.candidate.model_id)
    assert model.head == comparison.candidate
    again = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert again == improvement
    assert Share.objects.count() == 1
    assert Event.objects.filter(tag="improvement:recorded").count() == 1
    assert Event.objects.filter(tag="improvement:attributed").count() == 1
    assert not Event.objects.filter(tag="improvement:refused").exists()


def test_a_second_gain_over_the_same_baseline_is_no_improvement(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit_all(monkeypatch, ContributionFactory())
    first = accepted()
    second = rival_of(first)
    assert services.record_improvement(comparison_id=first.pk, actor=SYSTEM) is not None
    assert services.record_improvement(comparison_id=second.pk, actor=SYSTEM) is None
    assert Improvement.objects.count() == 1
    refusal = Event.objects.get(tag="improvement:refused")
    assert refusal.subject == second.public_id
    assert "no longer leads" in refusal.after["reason"]
    assert Model.objects.get(pk=first.candidate.model_id).head == first.candidate


def test_a_gain_over_the_new_head_is_an_improvement_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit_all(monkeypatch, ContributionFactory())
    first = accepted()
    services.record_improvement(comparison_id=first.pk, actor=SYSTEM)
    second = accepted(
        benchmark=first.benchmark,
        baseline=first.candidate,
        candidate=ModelVersionFactory(model=first.candidate.model),
    )
    assert services.record_improvement(comparison_id=second.pk, actor=SYSTEM) is not None
    assert Model.objects.get(pk=first.candidate.model_id).head == second.candidate


@pytest.mark.parametrize("delta_ppm", [0, -1, None])
def test_a_gain_that_cannot_be_stated_is_no_improvement(
    db: None, monkeypatch: pytest.MonkeyPatch, delta_ppm: int | None
) -> None:
    credit_all(monkeypatch, ContributionFactory())
    comparison = accepted(delta_ppm=delta_ppm)
    assert services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM) is None
    assert Model.objects.get(pk=comparison.candidate.model_id).head is None


def test_a_gain_over_another_model_is_no_improvement(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit_all(monkeypatch, ContributionFactory())
    comparison = accepted()
    other = accepted(
        benchmark=comparison.benchmark,
        baseline=ModelVersionFactory(model__project=comparison.project),
        candidate=comparison.candidate,
    )
    assert services.record_improvement(comparison_id=other.pk, actor=SYSTEM) is None


def test_a_gain_without_new_rows_is_attested_as_nobodys(db: None) -> None:
    improvement = services.record_improvement(comparison_id=accepted().pk, actor=SYSTEM)
    assert improvement is not None
    assert not improvement.shares.exists()
    assert (improvement.method, improvement.payable_reason) == ("no-contribution", "no_control")
    assert Job.objects.filter(kind="attestation").exists()


def test_a_refusal_is_recorded_once_however_often_it_is_told(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit_all(monkeypatch, ContributionFactory())
    first = accepted()
    second = rival_of(first)
    services.record_improvement(comparison_id=first.pk, actor=SYSTEM)
    for _ in range(2):
        assert services.record_improvement(comparison_id=second.pk, actor=SYSTEM) is None
    assert Event.objects.filter(tag="improvement:refused").count() == 1


def test_shares_that_do_not_sum_credit_nobody(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison, given = accepted(), ContributionFactory()
    credit_all(monkeypatch, given, shares={given.pk: 9_999})
    with pytest.raises(AttributionImpossible, match="9999"):
        services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert not Improvement.objects.exists()
    assert Model.objects.get(pk=comparison.candidate.model_id).head is None


def test_a_trained_candidate_is_attributed_by_a_worker(db: None) -> None:
    comparison = trained(accepted())
    improvement = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert improvement is not None
    assert (improvement.payable_ppm, improvement.payable_reason) == (0, "not_attributed")
    assert improvement.attribution.method == shapley.METHOD
    assert improvement.attribution.job.kind == "attribution"
    assert not Job.objects.filter(kind="attestation").exists()
    services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert Attribution.objects.count() == 1


def test_where_training_is_dear_a_setting_names_another_method(
    db: None, settings: Settings
) -> None:
    settings.ATTRIBUTION_METHOD = knn_shapley.METHOD
    improvement = services.record_improvement(comparison_id=trained(accepted()).pk, actor=SYSTEM)
    assert improvement is not None
    assert improvement.attribution.method == knn_shapley.METHOD


@pytest.mark.parametrize("status", ["requested", "failed"])
def test_a_gain_waits_for_the_rows_that_are_kept_to_confirm_it(db: None, status: str) -> None:
    comparison = confirmed(accepted(), status)
    assert services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM) is None
    assert not Improvement.objects.exists()
    assert not Event.objects.filter(tag="improvement:refused").exists()


@pytest.mark.parametrize("status", ["confirmed", "unconfirmed"])
def test_a_gain_is_recorded_whatever_those_rows_say(db: None, status: str) -> None:
    comparison = confirmed(accepted(), status)
    assert services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM) is not None


def test_another_method_stands_beside_the_one_that_decides(db: None) -> None:
    improvement = services.record_improvement(comparison_id=trained(accepted()).pk, actor=SYSTEM)
    assert improvement is not None
    actor = actor_of(UserFactory())
    asked = services.request_attribution(
        improvement_id=improvement.pk, method=leave_one_out.METHOD, actor=actor
    )
    again = services.request_attribution(
        improvement_id=improvement.pk, method=leave_one_out.METHOD, actor=actor
    )
    assert asked == again
    assert (asked.alternative_to, asked.improvement) == (improvement.attribution, None)
    assert asked.job is not None
    event = Event.objects.get(tag="improvement:attribution-requested")
    assert (event.subject, event.actor) == (improvement.public_id, str(actor))


def test_asking_for_the_method_that_decides_makes_nothing_new(db: None) -> None:
    improvement = services.record_improvement(comparison_id=trained(accepted()).pk, actor=SYSTEM)
    assert improvement is not None
    asked = services.request_attribution(
        improvement_id=improvement.pk, method=shapley.METHOD, actor=SYSTEM
    )
    assert asked == improvement.attribution
    assert Attribution.objects.count() == 1


def test_methods_that_nobody_offers_are_refused(db: None) -> None:
    improvement = services.record_improvement(comparison_id=trained(accepted()).pk, actor=SYSTEM)
    assert improvement is not None
    for method in ("coin-toss/1", "", "shapley-permutations/1"):
        with pytest.raises(InvalidInput):
            services.request_attribution(improvement_id=improvement.pk, method=method, actor=SYSTEM)


def test_without_a_training_no_coalition_can_be_trained(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit_all(monkeypatch, ContributionFactory())
    improvement = services.record_improvement(comparison_id=accepted().pk, actor=SYSTEM)
    assert improvement is not None
    with pytest.raises(Conflict, match="not trained here"):
        services.request_attribution(
            improvement_id=improvement.pk, method=leave_one_out.METHOD, actor=SYSTEM
        )
    knn = services.request_attribution(
        improvement_id=improvement.pk, method=knn_shapley.METHOD, actor=SYSTEM
    )
    assert knn.status == "pending"


def test_what_failed_is_tried_again_when_it_is_asked_for_again(db: None) -> None:
    improvement = services.record_improvement(comparison_id=trained(accepted()).pk, actor=SYSTEM)
    assert improvement is not None
    attribution = improvement.attribution
    Attribution.objects.filter(pk=attribution.pk).update(status="failed", explanation="no runner")
    Job.objects.filter(pk=attribution.job_id).update(status="failed")
    services.request_attribution(improvement_id=improvement.pk, method=shapley.METHOD, actor=SYSTEM)
    attribution.refresh_from_db()
    assert (attribution.status, attribution.explanation) == ("pending", "")
    assert attribution.job.status == "queued"


def test_gains_that_were_credited_before_attributions_were_kept_stay_as_they_are(
    db: None,
) -> None:
    improvement = services.record_improvement(comparison_id=trained(accepted()).pk, actor=SYSTEM)
    assert improvement is not None
    Attribution.objects.all().delete()
    with pytest.raises(Conflict, match="before"):
        services.request_attribution(
            improvement_id=improvement.pk, method=knn_shapley.METHOD, actor=SYSTEM
        )


@pytest.mark.parametrize("status", ["requested", "refused", "failed"])
def test_only_an_accepted_comparison_is_credited(db: None, status: str) -> None:
    with pytest.raises(Conflict):
        services.record_improvement(comparison_id=accepted(status=status).pk, actor=SYSTEM)
    assert not Improvement.objects.exists()


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Credits comparisons at once, each on a connection of its own."""
    monkeypatch.setattr(doorbell, "ring", lambda *args, **options: None)

    def run(*comparisons: Comparison) -> list[Any]:
        meeting, results = threading.Barrier(len(comparisons), timeout=20), []

        def credit_when_all_are_here(comparison: Comparison) -> Credit:
            meeting.wait()
            return credit_of(shares={})

        def one(comparison: Comparison) -> None:
            try:
                results.append(
                    services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
                )
            except DomainError as error:
                results.append(error)
            finally:
                connection.close()

        monkeypatch.setattr(CREDIT, credit_when_all_are_here)
        threads = [threading.Thread(target=one, args=(item,)) for item in comparisons]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return results

    return run


@pytest.mark.django_db(transaction=True)
def test_of_two_gains_credited_at_once_one_takes_the_head(
    together: Callable[..., list[Any]],
) -> None:
    first = accepted()
    results = together(first, rival_of(first))
    [improvement] = [item for item in results if item is not None]
    assert results.count(None) == 1
    assert Improvement.objects.get() == improvement
    assert Model.objects.get(pk=first.candidate.model_id).head == improvement.candidate
    assert Event.objects.filter(tag="improvement:refused").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_gain_credited_twice_at_once_is_one_improvement_and_no_refusal(
    together: Callable[..., list[Any]],
) -> None:
    comparison = accepted()
    results = together(comparison, comparison)
    assert results == [Improvement.objects.get()] * 2
    assert not Event.objects.filter(tag="improvement:refused").exists()
