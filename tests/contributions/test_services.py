import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from contributions import services
from contributions.credit import Credit
from contributions.models import Contribution, Contributor, Improvement, Share, Wallet
from experiments.models import Comparison
from hokusai.accounts.choices import Role
from hokusai.accounts.models import User
from hokusai.accounts.services import actor_of
from hokusai.core import doorbell
from hokusai.core.errors import Conflict, DomainError, Forbidden, InvalidInput, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.models import Dataset, Model
from tests.factories import (
    ComparisonFactory,
    ContributionFactory,
    DatasetFactory,
    DatasetVersionFactory,
    ModelFactory,
    ModelVersionFactory,
    member,
    wallet_address,
)

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CSV = b"x,label\n1,0\n2,1\n"


@pytest.fixture
def model(db: None) -> Model:
    return ModelFactory()


@pytest.fixture
def giver(model: Model) -> User:
    return member(model.project, Role.CONTRIBUTOR)


def submit(model: Model, giver: User, **changes: Any) -> Contribution:
    given: dict[str, Any] = {
        "model": model,
        "address": ADDRESS,
        "content": CSV,
        "file_format": "csv",
        "licence": "CC-BY-4.0",
        "label_column": "label",
        "actor": actor_of(giver),
    }
    return services.submit_contribution(**(given | changes))


def credit_all(monkeypatch: pytest.MonkeyPatch, *given: Contribution) -> None:
    """Let whatever is split go to these, in equal parts."""
    shares = {item.pk: 10_000 // len(given) for item in given}
    monkeypatch.setattr(services, "split_credit", lambda comparison: Credit("by hand", shares))


def accepted(**fields: Any) -> Comparison:
    return ComparisonFactory(**({"status": "accepted", "delta_ppm": 50_000} | fields))


def rival_of(first: Comparison) -> Comparison:
    """Another accepted candidate against the same baseline."""
    return accepted(
        benchmark=first.benchmark,
        baseline=first.baseline,
        candidate=ModelVersionFactory(model=first.candidate.model),
    )


def test_a_submission_is_received_and_its_rows_are_read_by_a_worker(
    model: Model, giver: User
) -> None:
    contribution = submit(model, giver, note="from my garden", contributor_name="Anna")
    assert (contribution.status, contribution.project) == ("received", model.project)
    assert contribution.wallet.address == ADDRESS
    assert contribution.wallet.contributor.name == "Anna"
    assert contribution.job is not None
    assert contribution.job.kind == "dataset_intake"
    assert contribution.dataset_version.label_column == "label"
    event = Event.objects.get(tag="contribution:submitted")
    assert event.actor == str(actor_of(giver))


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "0x123"},
        {"address": ADDRESS.replace("a", "A", 1)},
        {"licence": "all rights reserved"},
        {"label_column": ""},
        {"content": b""},
        {"file_format": "xlsx"},
    ],
    ids=str,
)
def test_what_cannot_be_taken_leaves_nothing_behind(
    model: Model, giver: User, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        submit(model, giver, **changes)
    assert not Wallet.objects.exists()
    assert not Contributor.objects.exists()
    assert not Dataset.objects.exists()


def test_data_is_given_by_a_person(model: Model) -> None:
    with pytest.raises(Forbidden):
        submit(model, member(model.project), actor=SYSTEM)


def test_an_address_in_any_spelling_is_one_wallet_of_one_person(model: Model, giver: User) -> None:
    first = submit(model, giver, contributor_name="Anna")
    second = submit(model, giver, address=ADDRESS.lower(), contributor_name="Somebody else")
    assert first.wallet == second.wallet
    assert Contributor.objects.get().name == "Anna"


def test_all_that_is_given_to_a_model_is_one_dataset(model: Model, giver: User) -> None:
    first, second = submit(model, giver), submit(model, giver, address=wallet_address())
    assert first.dataset_version.dataset == second.dataset_version.dataset
    assert [first.dataset_version.number, second.dataset_version.number] == [1, 2]


def test_a_long_model_name_still_gives_a_legal_dataset_name(giver: User, model: Model) -> None:
    long = ModelFactory(project=model.project, slug="m" * 63)
    assert len(submit(long, giver).dataset_version.dataset.slug) <= 63


def test_whoever_gave_it_may_take_it_back_until_a_version_is_made_of_it(
    model: Model, giver: User
) -> None:
    contribution = submit(model, giver)
    with pytest.raises(Forbidden):
        services.withdraw_contribution(
            contribution_id=contribution.pk, actor=actor_of(member(model.project))
        )
    ModelVersionFactory(model=model).training_data.add(contribution.dataset_version)
    with pytest.raises(Conflict):
        services.withdraw_contribution(contribution_id=contribution.pk, actor=actor_of(giver))
    contribution.dataset_version.trained.clear()
    taken = services.withdraw_contribution(contribution_id=contribution.pk, actor=actor_of(giver))
    assert taken.status == "withdrawn"
    with pytest.raises(InvalidTransition):
        services.withdraw_contribution(contribution_id=contribution.pk, actor=actor_of(giver))
    assert Event.objects.filter(tag="contribution:withdrawn").count() == 1


def test_a_check_is_begun_once(db: None) -> None:
    contribution = ContributionFactory()
    rows = contribution.dataset_version.public_id
    services.begin_check(dataset_version=rows, actor=SYSTEM)
    services.begin_check(dataset_version=rows, actor=SYSTEM)
    job = Job.objects.get(kind="contribution_intake")
    contribution.refresh_from_db()
    assert contribution.job == job


@pytest.mark.parametrize("status", ["accepted", "withdrawn", "refused"])
def test_what_was_decided_or_withdrawn_is_not_checked(db: None, status: str) -> None:
    contribution = ContributionFactory(status=status)
    services.begin_check(dataset_version=contribution.dataset_version.public_id, actor=SYSTEM)
    services.refuse_unreadable(dataset_version=contribution.dataset_version.public_id, actor=SYSTEM)
    contribution.refresh_from_db()
    assert contribution.status == status
    assert not Job.objects.exists()


def test_an_unreadable_file_refuses_its_contribution_for_the_same_reasons(db: None) -> None:
    reasons = [{"code": "unreadable", "message": "The file is not CSV in UTF-8."}]
    contribution = ContributionFactory(
        dataset_version=DatasetVersionFactory(state="refused", reasons=reasons)
    )
    services.refuse_unreadable(dataset_version=contribution.dataset_version.public_id, actor=SYSTEM)
    contribution.refresh_from_db()
    assert (contribution.status, contribution.reasons) == ("refused", reasons)


def test_rows_that_are_no_contribution_begin_nothing(db: None) -> None:
    rows = DatasetVersionFactory(dataset=DatasetFactory()).public_id
    services.begin_check(dataset_version=rows, actor=SYSTEM)
    services.refuse_unreadable(dataset_version=rows, actor=SYSTEM)
    assert not Job.objects.exists()
    assert not Event.objects.exists()


def test_accepted_contributions_of_a_version_become_used(db: None) -> None:
    version = ModelVersionFactory()
    by_status = {
        status: ContributionFactory(model=version.model, status=status)
        for status in ("accepted", "used", "received")
    }
    version.training_data.set(row.dataset_version for row in by_status.values())
    apart = ContributionFactory(model=version.model, status="accepted")
    services.mark_used(version=version.public_id, actor=SYSTEM)
    services.mark_used(version=version.public_id, actor=SYSTEM)
    for status, row in by_status.items():
        row.refresh_from_db()
        assert row.status == ("received" if status == "received" else "used")
    apart.refresh_from_db()
    assert apart.status == "accepted"
    assert Event.objects.filter(tag="contribution:used").count() == 1


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
    assert improvement.attestation.status == "pending"
    assert improvement.attestation.job.kind == "attestation"
    model = Model.objects.get(pk=comparison.candidate.model_id)
    assert model.head == comparison.candidate
    again = services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
    assert again == improvement
    assert Share.objects.count() == 1
    assert Event.objects.filter(tag="improvement:recorded").count() == 1
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


def test_a_gain_without_new_rows_is_recorded_and_never_attested(db: None) -> None:
    improvement = services.record_improvement(comparison_id=accepted().pk, actor=SYSTEM)
    assert improvement is not None
    assert not improvement.shares.exists()
    assert not Job.objects.filter(kind="attestation").exists()


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
            return Credit("by hand", {})

        def one(comparison: Comparison) -> None:
            try:
                results.append(
                    services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)
                )
            except DomainError as error:
                results.append(error)
            finally:
                connection.close()

        monkeypatch.setattr(services, "split_credit", credit_when_all_are_here)
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
