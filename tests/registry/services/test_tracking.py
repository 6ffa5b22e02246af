from datetime import timedelta

import pytest
from django.utils import timezone

from hokusai.core import jobs
from hokusai.core.models import Job
from hokusai.tracking.memory import MemoryTracking
from hokusai.tracking.webhooks import Delivery
from registry import services
from registry.models import SyncPass, TrackedModel, TrackedVersion, WebhookReceipt
from tests.factories import JobFactory, SyncPassFactory

pytestmark = pytest.mark.django_db


def test_each_server_is_looked_at_once_at_a_time() -> None:
    assert services.request_reconciles() == 1
    assert services.request_reconciles() == 0
    assert services.request_sweeps() == 1
    assert Job.objects.filter(kind="mlflow_reconcile").count() == 1


def test_a_hint_fetches_the_version_and_its_model(mlflow: MemoryTracking) -> None:
    mlflow.server.register("churn", "s3://bucket/model", tags={"a": "b"})
    mlflow.server.point_alias("churn", "champion", "1")
    services.take_hint(delivery=Delivery("d-1", "model_version_alias", "created", "churn", "1"))
    jobs.run(Job.objects.get(kind="mlflow_refetch").pk)
    assert TrackedVersion.objects.get().tags == {"a": "b"}
    assert TrackedModel.objects.get().aliases == {"champion": "1"}


def test_a_hint_about_what_is_gone_changes_nothing(mlflow: MemoryTracking) -> None:
    services.take_hint(delivery=Delivery("d-1", "model_version", "created", "churn", "1"))
    job = Job.objects.get(kind="mlflow_refetch")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, "not there" in job.log) == ("succeeded", True)


def test_what_nobody_asks_about_any_more_is_forgotten() -> None:
    long_ago = timezone.now() - timedelta(days=30)
    old = WebhookReceipt.objects.create(delivery_id="old")
    WebhookReceipt.objects.filter(pk=old.pk).update(received_at=long_ago)
    WebhookReceipt.objects.create(delivery_id="new")
    first, last = SyncPassFactory(), SyncPassFactory()
    SyncPass.objects.update(started_at=long_ago)
    JobFactory(kind="mlflow_sweep", subject="a", status="succeeded", finished_at=long_ago)
    kept = JobFactory(kind="mlflow_sweep", subject="b", status="failed", finished_at=long_ago)
    assert services.forget_tracking() == 3
    assert WebhookReceipt.objects.get().delivery_id == "new"
    assert list(SyncPass.objects.all()) == [last]
    assert first != last
    assert Job.objects.get() == kept
