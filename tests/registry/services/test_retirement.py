from datetime import timedelta

import pytest
from django.utils import timezone

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event
from registry import services
from registry.choices import Stage
from registry.models import ModelVersion, StageChange
from tests.factories import ModelVersionFactory, PromotionFactory, member

pytestmark = pytest.mark.django_db
SOON = timedelta(days=30)


@pytest.fixture
def old(project: Project) -> ModelVersion:
    found: ModelVersion = ModelVersionFactory(model__project=project)
    return found


@pytest.fixture
def new(old: ModelVersion) -> ModelVersion:
    found: ModelVersion = ModelVersionFactory(model=old.model)
    return found


@pytest.fixture
def reviewer(project: Project) -> Actor:
    return actor_of(member(project, "reviewer"))


def retire(old: ModelVersion, new: ModelVersion, actor: Actor, **fields: object) -> ModelVersion:
    wanted = {"sunset_at": timezone.now() + SOON, "comment": "better now", **fields}
    return services.retire_version(version_id=old.pk, successor_id=new.pk, actor=actor, **wanted)


def test_a_retired_version_names_its_successor_and_its_date(
    old: ModelVersion, new: ModelVersion, reviewer: Actor
) -> None:
    retire(old, new, reviewer)
    old.refresh_from_db()
    assert (old.successor, old.stage) == (new, Stage.ARCHIVED)
    assert old.deprecated_at is not None
    assert old.sunset_at is not None
    assert StageChange.objects.get(version=old).reason == "retired"
    told = Event.objects.get(tag="version:retired")
    assert told.after["successor"] == str(new)


def test_retiring_again_changes_the_date_and_not_since_when(
    old: ModelVersion, new: ModelVersion, reviewer: Actor
) -> None:
    first = retire(old, new, reviewer)
    later = timezone.now() + 2 * SOON
    again = retire(old, new, reviewer, sunset_at=later)
    assert (again.deprecated_at, again.sunset_at) == (first.deprecated_at, later)
    assert StageChange.objects.filter(version=old).count() == 1


def test_not_while_it_is_in_production(project: Project, reviewer: Actor) -> None:
    serving = ModelVersionFactory(model__project=project, stage=Stage.PRODUCTION)
    with pytest.raises(Conflict, match="in production"):
        retire(serving, ModelVersionFactory(model=serving.model), reviewer)


def test_not_while_a_promotion_is_open(
    old: ModelVersion, new: ModelVersion, reviewer: Actor
) -> None:
    PromotionFactory(version=old)
    with pytest.raises(Conflict, match="waits for a decision"):
        retire(old, new, reviewer)


def test_the_date_lies_ahead(old: ModelVersion, new: ModelVersion, reviewer: Actor) -> None:
    with pytest.raises(InvalidInput, match="lies ahead"):
        retire(old, new, reviewer, sunset_at=timezone.now())


def test_the_successor_is_another_version_that_stays(
    old: ModelVersion, new: ModelVersion, reviewer: Actor
) -> None:
    pending = ModelVersionFactory(model=old.model, artifact_state="pending", tree_digest="")
    gone = ModelVersionFactory(model=old.model, deprecated_at=timezone.now())
    for wrong in (old, ModelVersionFactory(), pending, gone):
        with pytest.raises(InvalidInput):
            retire(old, wrong, reviewer)
    old.refresh_from_db()
    assert old.deprecated_at is None


def test_the_platform_retires_nothing(old: ModelVersion, new: ModelVersion) -> None:
    with pytest.raises(Forbidden):
        retire(old, new, SYSTEM)
