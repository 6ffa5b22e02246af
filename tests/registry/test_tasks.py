import pytest
from django.conf import settings
from django.utils import timezone

from registry import tasks
from registry.choices import PromotionStatus
from tests.factories import PromotionFactory

pytestmark = pytest.mark.django_db


def test_the_schedule_names_tasks_that_exist() -> None:
    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    own = {name for name in named if name.startswith("registry.")}
    known = {getattr(task, "name", "") for task in vars(tasks).values()}
    assert own <= known


def test_requests_whose_time_is_over_end() -> None:
    over, open_ = PromotionFactory(expires_at=timezone.now()), PromotionFactory()
    tasks.expire_promotions()
    over.refresh_from_db()
    open_.refresh_from_db()
    assert (over.status, open_.status) == (PromotionStatus.EXPIRED, PromotionStatus.REQUESTED)
