from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from registry import history, services
from registry.choices import Stage
from registry.models import Model, ModelVersion, StageChange
from tests.factories import (
    ModelFactory,
    ModelVersionFactory,
    PromotionPolicyFactory,
    member,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def model(project: Project) -> Model:
    PromotionPolicyFactory(project=project, blocking=[], approvals=2)
    found: Model = ModelFactory(project=project)
    return found


@pytest.fixture
def reviewers(project: Project) -> list[User]:
    return [member(project, "reviewer"), member(project, "owner")]


def promote(model: Model, reviewers: list[User], asker: User) -> ModelVersion:
    version = ModelVersionFactory(model=model)
    asked = services.request_promotion(
        version_id=version.pk, target=Stage.PRODUCTION, evidence="report", actor=actor_of(asker)
    )
    for reviewer in reviewers:
        services.approve_promotion(promotion_id=asked.pk, actor=actor_of(reviewer))
    return version


def move_back(by: timedelta) -> datetime:
    """Let all that was recorded until now have happened earlier; when the last of it did."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_stagechange SET created_at = created_at - %s", [by])
    latest = StageChange.objects.order_by("-created_at").first()
    assert latest is not None
    return latest.created_at


def test_before_the_first_promotion_nothing_was_in_production(
    model: Model, reviewers: list[User]
) -> None:
    before = timezone.now()
    assert history.at(model, before) is None
    promote(model, reviewers, member(model.project))
    assert history.at(model, before) is None


def test_each_time_has_the_version_of_that_time_and_who_let_it_in(
    model: Model, reviewers: list[User]
) -> None:
    asker = member(model.project)
    first = promote(model, reviewers, asker)
    first_since = move_back(2 * DAY)
    second = promote(model, reviewers, asker)
    then, now = history.at(model, first_since), history.at(model, timezone.now())
    assert then is not None
    assert now is not None
    assert (then.version, then.since) == (first, first_since)
    assert now.version == second
    assert set(now.decided.approved_by) == {user.username for user in reviewers}
    assert now.decided.requested_by == asker.username
    assert now.decided.evidence == "report"
    assert now.decided.promotion_id.startswith("prm_")


def test_what_was_rolled_back_to_names_who_once_approved_it(
    model: Model, reviewers: list[User]
) -> None:
    asker = member(model.project)
    first = promote(model, reviewers, asker)
    promote(model, reviewers, asker)
    move_back(DAY)
    services.roll_back(model_id=model.pk, actor=actor_of(reviewers[0]))
    found = history.at(model, timezone.now())
    assert found is not None
    assert (found.version, found.decided.reason) == (first, "rolled_back")
    assert found.decided.carried_out_by == reviewers[0].username
    assert len(found.decided.approved_by) == 2


def test_after_it_was_archived_nothing_is_in_production(
    model: Model, reviewers: list[User]
) -> None:
    version = promote(model, reviewers, member(model.project))
    in_production = move_back(DAY)
    asked = services.request_promotion(
        version_id=version.pk, target=Stage.ARCHIVED, actor=actor_of(member(model.project))
    )
    services.approve_promotion(promotion_id=asked.pk, actor=actor_of(reviewers[0]))
    assert history.at(model, timezone.now()) is None
    found = history.at(model, in_production)
    assert found is not None
    assert found.version == version


def test_the_timeline_is_newest_first_and_costs_the_same_for_many(
    model: Model, reviewers: list[User], django_assert_max_num_queries: object
) -> None:
    asker = member(model.project)
    for _ in range(3):
        promote(model, reviewers, asker)
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        changes = history.timeline(model)
    assert [(c.version.number, c.after) for c in changes] == [
        (3, "production"),
        (2, "archived"),
        (2, "production"),
        (1, "archived"),
        (1, "production"),
    ]
    assert changes[1].decided.reason == "displaced"
    assert len(history.timeline(model, limit=2)) == 2


def test_many_roll_backs_cost_no_more_queries(
    model: Model, reviewers: list[User], django_assert_max_num_queries: object
) -> None:
    asker = member(model.project)
    for _ in range(4):
        promote(model, reviewers, asker)
    for _ in range(3):
        services.roll_back(model_id=model.pk, actor=actor_of(reviewers[0]))
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        changes = history.timeline(model)
    back = [c for c in changes if (c.decided.reason, c.after) == ("rolled_back", "production")]
    assert [c.version.number for c in back] == [1, 2, 3]
    asked = {c.version.number: c.decided.promotion_id for c in changes if c.after == "production"}
    assert len(set(asked.values())) == 4
    assert all(c.decided.promotion_id == asked[c.version.number] for c in back)


def test_another_models_history_is_its_own(model: Model, reviewers: list[User]) -> None:
    promote(model, reviewers, member(model.project))
    other = ModelFactory(project=model.project)
    assert history.timeline(other) == []
    assert history.at(other, timezone.now()) is None
