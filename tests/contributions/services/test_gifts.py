from typing import Any

import pytest

from contributions import services
from contributions.models import Contribution, Contributor, Wallet
from hokusai.accounts.choices import Role
from hokusai.accounts.models import User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.models import Dataset, Model
from tests.factories import (
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
