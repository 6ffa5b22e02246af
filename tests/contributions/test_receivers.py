import pytest

from contributions.models import Contribution, Improvement
from hokusai.core import outbox
from hokusai.core.models import Delivery, Event, Job
from hokusai.core.subscribers import subscriber, subscribers_of
from tests.factories import (
    ComparisonFactory,
    ContributionFactory,
    EventFactory,
    ModelVersionFactory,
)

pytestmark = pytest.mark.django_db


def hear(name: str, event: Event) -> None:
    subscriber(f"contributions.receivers.{name}").receive(event, operation_id=event.public_id)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("dataset-version:usable", "CheckContribution"),
        ("dataset-version:refused", "CheckContribution"),
        ("version:registered", "MarkUsed"),
        ("comparison:accepted", "CreditImprovement"),
        ("comparison:confirmed", "CreditImprovement"),
        ("comparison:unconfirmed", "CreditImprovement"),
    ],
)
def test_each_step_is_heard_by_the_next(tag: str, name: str) -> None:
    assert f"contributions.receivers.{name}" in subscribers_of(tag)


@pytest.mark.parametrize("tag", ["comparison:refused", "comparison:failed"])
def test_what_was_not_accepted_credits_nobody(tag: str) -> None:
    assert "contributions.receivers.CreditImprovement" not in subscribers_of(tag)


def test_usable_rows_begin_the_check_however_often_it_is_told() -> None:
    contribution = ContributionFactory()
    event = EventFactory(
        tag="dataset-version:usable", subject=contribution.dataset_version.public_id
    )
    hear("CheckContribution", event)
    hear("CheckContribution", event)
    assert Job.objects.filter(kind="contribution_intake").count() == 1


def test_refused_rows_refuse_the_contribution_however_often_it_is_told() -> None:
    contribution = ContributionFactory()
    event = EventFactory(
        tag="dataset-version:refused", subject=contribution.dataset_version.public_id
    )
    hear("CheckContribution", event)
    hear("CheckContribution", event)
    assert Contribution.objects.get().status == "refused"
    assert Event.objects.filter(tag="contribution:refused").count() == 1


def test_a_registered_version_uses_its_contributions() -> None:
    contribution = ContributionFactory(status="accepted")
    version = ModelVersionFactory(model=contribution.model)
    version.training_data.add(contribution.dataset_version)
    hear("MarkUsed", EventFactory(subject=version.public_id))
    assert Contribution.objects.get().status == "used"


def test_an_accepted_comparison_is_credited_however_often_it_is_told() -> None:
    comparison = ComparisonFactory(status="accepted", delta_ppm=50_000)
    event = EventFactory(tag="comparison:accepted", subject=comparison.public_id)
    hear("CreditImprovement", event)
    hear("CreditImprovement", event)
    assert Improvement.objects.get().comparison == comparison


def test_a_comparison_that_is_not_accepted_parks_the_delivery_in_sight() -> None:
    comparison = ComparisonFactory(status="refused")
    event = EventFactory(tag="comparison:accepted", subject=comparison.public_id)
    name = "contributions.receivers.CreditImprovement"
    delivery = Delivery.objects.create(event=event, subscriber=name, stream="s", sequence=1)
    assert outbox.deliver("s") == 0
    delivery.refresh_from_db()
    assert delivery.status == "failed"
    assert "refused" in delivery.last_error
