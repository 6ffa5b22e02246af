import pytest

from contributions.parties import Shareholders
from hokusai.accounts.choices import Role
from hokusai.accounts.models import User
from hokusai.accounts.services import actor_of
from hokusai.core.models import Event
from registry import services as registry
from registry.choices import Stage
from registry.exceptions import ChecksFailed, NotIndependent
from registry.models import ModelVersion
from tests.factories import ContributionFactory, ContributorFactory, ModelVersionFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersionFactory()


def gave(version: ModelVersion, submitted_by: User, owner: User | None = None) -> None:
    contribution = ContributionFactory(
        model=version.model,
        submitted_by=submitted_by,
        wallet__contributor=ContributorFactory(user=owner),
    )
    version.training_data.add(contribution.dataset_version)


def test_givers_and_owners_of_the_address_are_parties(version: ModelVersion) -> None:
    giver, owner = member(version.project), member(version.project)
    gave(version, giver, owner)
    gave(version, giver)
    assert set(Shareholders().of(version)) == {giver.pk, owner.pk}


def test_who_gave_to_another_version_is_no_party(version: ModelVersion) -> None:
    gave(ModelVersionFactory(model=version.model), member(version.project))
    assert Shareholders().of(version) == {}


@pytest.mark.parametrize("part", ["gave it", "owns the address"])
def test_a_shareholder_cannot_approve(version: ModelVersion, part: str) -> None:
    reviewer, other = (member(version.project, Role.REVIEWER) for _ in range(2))
    gave(version, *((reviewer, None) if part == "gave it" else (other, reviewer)))
    promotion = registry.request_promotion(
        version_id=version.pk,
        target=Stage.PRODUCTION,
        actor=actor_of(member(version.project)),
    )
    with pytest.raises(NotIndependent, match="gave data"):
        registry.approve_promotion(promotion_id=promotion.pk, actor=actor_of(reviewer))
    assert Event.objects.filter(tag="promotion:approval-refused").count() == 1
    # Somebody without a part gets past independence, to the checks of the artifact.
    independent = actor_of(member(version.project, Role.REVIEWER))
    with pytest.raises(ChecksFailed):
        registry.approve_promotion(promotion_id=promotion.pk, actor=independent)
