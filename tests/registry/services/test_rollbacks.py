from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from registry import services
from registry.choices import Stage, StageReason
from registry.models import Model, ModelVersion, StageChange
from tests.factories import (
    ModelFactory,
    ModelVersionFactory,
    PromotionPolicyFactory,
    api_key,
    member,
)
from tests.racing import race

pytestmark = pytest.mark.django_db
Promote = Callable[[ModelVersion], None]


@pytest.fixture
def model(project: Project) -> Model:
    found: Model = ModelFactory(project=project)
    return found


@pytest.fixture
def reviewer(project: Project) -> User:
    return member(project, "reviewer")


@pytest.fixture
def promote(project: Project, reviewer: User) -> Promote:
    """Promotes to production where nothing is asked for."""
    PromotionPolicyFactory(project=project, blocking=[])

    def act(version: ModelVersion) -> None:
        asked = services.request_promotion(
            version_id=version.pk, target=Stage.PRODUCTION, actor=actor_of(member(project))
        )
        services.approve_promotion(promotion_id=asked.pk, actor=actor_of(reviewer))

    return act


def versions(model: Model, count: int) -> list[ModelVersion]:
    return [ModelVersionFactory(model=model) for _ in range(count)]


def roll_back(model: Model, user: User) -> ModelVersion:
    return services.roll_back(model_id=model.pk, actor=actor_of(user), comment="too slow")


def serving(model: Model) -> int:
    number: int = model.versions.in_production().get().number
    return number


def test_the_former_version_comes_back(model: Model, promote: Promote, reviewer: User) -> None:
    first, second = versions(model, 2)
    promote(first)
    promote(second)
    assert roll_back(model, reviewer) == first
    second.refresh_from_db()
    assert (serving(model), second.stage) == (1, Stage.ARCHIVED)
    last = StageChange.objects.filter(version=first).first()
    assert last is not None
    assert (last.reason, last.comment) == (StageReason.ROLLED_BACK, "too slow")
    told = Event.objects.get(tag="model:rolled-back")
    assert (told.before["version"], told.after["version"]) == (2, 1)


def test_rolling_back_twice_goes_further_back(
    model: Model, promote: Promote, reviewer: User
) -> None:
    for version in versions(model, 3):
        promote(version)
    assert [roll_back(model, reviewer).number for _ in range(2)] == [2, 1]
    with pytest.raises(Conflict, match="Nothing was in production before"):
        roll_back(model, reviewer)


def test_after_a_roll_back_the_next_one_falls_back_to_what_it_replaced(
    model: Model, promote: Promote, reviewer: User
) -> None:
    first, second, third = versions(model, 3)
    promote(first)
    promote(second)
    roll_back(model, reviewer)
    promote(third)
    assert roll_back(model, reviewer) == first


def test_promoting_again_undoes_it(model: Model, promote: Promote, reviewer: User) -> None:
    first, second = versions(model, 2)
    promote(first)
    promote(second)
    roll_back(model, reviewer)
    second.refresh_from_db()
    promote(second)
    assert serving(model) == 2


def test_without_a_former_version_nothing_changes(
    model: Model, promote: Promote, reviewer: User
) -> None:
    with pytest.raises(Conflict, match="No version"):
        roll_back(model, reviewer)
    promote(versions(model, 1)[0])
    with pytest.raises(Conflict, match="Nothing was"):
        roll_back(model, reviewer)
    assert serving(model) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [({"deprecated_at": timezone.now()}, "retired"), ({"artifact_state": "failed"}, "failed")],
)
def test_a_version_that_cannot_serve_does_not_come_back(
    change: dict[str, object], words: str, model: Model, promote: Promote, reviewer: User
) -> None:
    first, second = versions(model, 2)
    promote(first)
    promote(second)
    ModelVersion.objects.filter(pk=first.pk).update(**change)
    with pytest.raises(Conflict, match=words):
        roll_back(model, reviewer)
    assert serving(model) == 2


def test_it_is_a_persons_decision(project: Project, model: Model, reviewer: User) -> None:
    key, _ = api_key(project, owner=reviewer)
    for actor in (SYSTEM, actor_of(reviewer, key)):
        with pytest.raises(Forbidden):
            services.roll_back(model_id=model.pk, actor=actor)


@pytest.mark.django_db(transaction=True)
def test_two_roll_backs_at_the_same_time_leave_one_version_in_production(
    model: Model, promote: Promote, reviewer: User
) -> None:
    for version in versions(model, 3):
        promote(version)
    outcomes = race(*[lambda: roll_back(model, reviewer) for _ in range(2)])
    assert sorted(version.number for version in outcomes) == [1, 2]
    assert serving(model) == 1


def test_the_database_lets_no_version_return_that_never_was(model: Model) -> None:
    version = ModelVersionFactory(model=model)
    with pytest.raises(IntegrityError, match="never in production"):
        StageChange.objects.create(
            model=model,
            version=version,
            before="none",
            after="production",
            reason="rolled_back",
            actor="user:x",
        )


def test_the_database_lets_no_stage_change_without_its_history(model: Model) -> None:
    version = ModelVersionFactory(model=model)
    with pytest.raises(IntegrityError, match="together with its history"), transaction.atomic():
        ModelVersion.objects.filter(pk=version.pk).update(stage="production")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
