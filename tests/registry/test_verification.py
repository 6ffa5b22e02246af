from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core.models import Event, Job
from hokusai.storage import stores
from hokusai.storage.memory import MemoryStore
from registry import services
from registry.checks import ArtifactVerified
from registry.choices import PromotionStatus, Stage
from registry.exceptions import ChecksFailed
from registry.models import ModelVersion, Promotion
from tests.factories import ModelVersionFactory, PromotionPolicyFactory, member
from tests.registry.conftest import LogRun

pytestmark = pytest.mark.django_db
RunJob = Callable[[str], Job]


@pytest.fixture
def version(project: Project, log_run: LogRun, settings: Settings) -> ModelVersion:
    """One whose files are too large to be read while somebody waits."""
    settings.PROMOTION_READ_BYTES = 10
    manifest = stores["default"].put_tree(log_run().files)
    PromotionPolicyFactory(project=project, blocking=["artifact_verified"])
    found: ModelVersion = ModelVersionFactory(
        model__project=project, tree_digest=manifest.digest, size_bytes=11
    )
    return found


def ask(version: ModelVersion) -> Promotion:
    actor = actor_of(member(version.project))
    return services.request_promotion(version_id=version.pk, target=Stage.PRODUCTION, actor=actor)


def approve(promotion: Promotion) -> Promotion:
    actor = actor_of(member(promotion.project, "reviewer"))
    return services.approve_promotion(promotion_id=promotion.pk, actor=actor)


def passed(promotion: Promotion) -> bool:
    return {row["code"]: row["passed"] for row in promotion.checks}["artifact_verified"]


def test_a_large_artifact_is_read_by_a_worker_and_nobody_waits(
    version: ModelVersion, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stores["default"], "verify_tree", lambda digest: pytest.fail("was read"))
        promotion = ask(version)
        assert not passed(promotion)
        with pytest.raises(ChecksFailed, match="a worker reads it"):
            approve(promotion)
    run_job(version.public_id)
    done = approve(promotion)
    assert (done.status, passed(done)) == (PromotionStatus.APPROVED, True)


def test_one_reading_at_a_time_and_none_while_the_last_one_holds(
    version: ModelVersion, run_job: RunJob
) -> None:
    promotion = ask(version)
    with pytest.raises(ChecksFailed):
        approve(promotion)
    assert Job.objects.filter(kind="artifact_verification").count() == 1
    run_job(version.public_id)
    approve(promotion)
    assert Job.objects.filter(kind="artifact_verification").count() == 1


def test_a_reading_holds_for_some_hours(version: ModelVersion, run_job: RunJob) -> None:
    ask(version)
    run_job(version.public_id)
    assert ArtifactVerified().run(version).passed
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_event SET recorded_at = recorded_at - %s", [timedelta(hours=25)]
        )
    assert not ArtifactVerified().run(version).passed


def test_a_reading_of_other_bytes_does_not_count(version: ModelVersion, run_job: RunJob) -> None:
    ask(version)
    run_job(version.public_id)
    version.tree_digest = "0" * 64
    assert not ArtifactVerified().run(version).passed


def test_a_changed_byte_is_recorded_and_fails(version: ModelVersion, run_job: RunJob) -> None:
    promotion = ask(version)
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    store.blobs = {digest: content + b"!" for digest, content in store.blobs.items()}
    run_job(version.public_id)
    assert Event.objects.get(tag="artifact:verified").after["passed"] is False
    with pytest.raises(ChecksFailed, match="no longer match"):
        approve(promotion)
