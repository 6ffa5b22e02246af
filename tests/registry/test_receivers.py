from collections.abc import Callable

import pytest
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core import outbox
from hokusai.core.choices import WorkStatus
from hokusai.core.events import Actor
from hokusai.core.models import Delivery, Job
from hokusai.tracking import TrackingRefused
from hokusai.tracking.memory import MemoryTracking
from registry import services
from registry.choices import SYNC_SUBSCRIBER, SyncState
from registry.models import ModelVersion
from tests.registry.conftest import LogRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(project: Project, actor: Actor, log_run: LogRun) -> ModelVersion:
    return services.register_version(
        project=project, slug="digits", source=log_run().source, actor=actor
    )


def deliver(version: ModelVersion) -> int:
    return outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")


def state_of(version: ModelVersion) -> str:
    return ModelVersion.objects.get(pk=version.pk).sync_state


def test_what_happens_to_a_version_is_shown_in_mlflow(
    version: ModelVersion, mlflow: MemoryTracking, actor: Actor, run_job: Callable[[str], Job]
) -> None:
    run_job(version.public_id)
    services.set_tags(version_id=version.pk, tags={"team": "vision"}, actor=actor)
    assert deliver(version) == 3
    (shown,) = mlflow.versions[version.model.model_id]
    assert (shown.tags["team"], shown.tags["hokusai.artifact"]) == ("vision", "ready")
    assert state_of(version) == SyncState.SYNCED


def test_an_outage_keeps_the_version_pending_until_it_ends(
    version: ModelVersion, mlflow: MemoryTracking
) -> None:
    mlflow.down = True
    assert deliver(version) == 0
    assert state_of(version) == SyncState.PENDING
    mlflow.down = False
    assert deliver(version) == 0
    Delivery.objects.update(run_after=Now())
    assert deliver(version) == 1
    assert state_of(version) == SyncState.SYNCED


def test_a_push_that_was_parked_is_tried_again_by_retrying_the_sync(
    version: ModelVersion,
    mlflow: MemoryTracking,
    actor: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(push: object) -> None:
        raise TrackingRefused("Invalid source.")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow, "create_version", refuse)
        deliver(version)
    assert state_of(version) == SyncState.CONFLICT
    services.retry_sync(version_id=version.pk, actor=actor)
    assert state_of(version) == SyncState.PENDING
    assert deliver(version) == 2
    assert state_of(version) == SyncState.SYNCED
    mine = Delivery.objects.filter(subscriber=SYNC_SUBSCRIBER)
    assert set(mine.values_list("status", flat=True)) == {WorkStatus.SUCCEEDED}
