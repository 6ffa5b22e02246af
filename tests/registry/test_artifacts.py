import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core import jobs, leases
from hokusai.core.errors import InvalidTransition
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.jobs import Work
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.core.models import Event, Job
from hokusai.core.services import cancel_job, retry_job
from hokusai.storage import stores
from hokusai.storage.trees import manifest_of
from hokusai.tracking.memory import MemoryTracking
from registry import artifacts, services
from registry.choices import ArtifactState
from registry.models import ModelVersion
from tests.factories import ModelVersionFactory
from tests.registry.conftest import MLMODEL, LogRun, Run

pytestmark = pytest.mark.django_db
RunJob = Callable[[str], Job]
Register = Callable[..., ModelVersion]


@pytest.fixture
def register(project: Project, actor: Actor) -> Register:
    """Registers the model that a run logged."""

    def make(run: Run, **fields: object) -> ModelVersion:
        return services.register_version(
            **{"project": project, "slug": "digits", "source": run.source, "actor": actor, **fields}
        )

    return make


def fresh(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.get(pk=version.pk)


def test_a_copy_is_kept_digested_and_described(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    run = log_run(accuracy=0.9)
    version = register(run)
    assert run_job(version.public_id).status == "succeeded"
    version = fresh(version)
    assert version.artifact_state == ArtifactState.READY
    assert version.tree_digest == manifest_of(run.files).digest
    assert stores["default"].read_file(version.tree_digest, "MLmodel") == MLMODEL.encode()
    assert (version.flavor, version.file_count) == ("sklearn", 2)
    assert version.size_bytes == sum(p.stat().st_size for p in run.files.iterdir())
    ready = Event.objects.get(tag="version:ready")
    assert (ready.actor, ready.after["tree_digest"]) == ("system:hokusai", version.tree_digest)


def test_what_the_run_measured_is_adopted_and_what_was_stated_stays(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run(accuracy=0.9, loss=0.3), metrics={"loss": 0.2})
    run_job(version.public_id)
    version = fresh(version)
    assert version.metrics == {"accuracy": 0.9, "loss": 0.2}
    assert version.parameters == {"C": "1.0"}


def test_a_version_takes_no_numbers_from_a_run_that_did_not_make_it(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run(), run_id=log_run(accuracy=0.99).run_id)
    assert run_job(version.public_id).status == "failed"
    assert "not of" in fresh(version).artifact_error
    assert fresh(version).metrics == {}


def test_a_run_of_another_project_is_not_copied(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    run = log_run()
    ModelVersionFactory(run_id=run.run_id, artifact_state=ArtifactState.READY)
    version = register(run)
    assert run_job(version.public_id).status == "failed"
    assert "its own project" in fresh(version).artifact_error


def test_a_metric_that_is_no_number_does_not_stop_the_copy(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run(accuracy=0.9, loss=math.nan, gap=math.inf))
    run_job(version.public_id)
    assert fresh(version).artifact_state == ArtifactState.READY
    assert fresh(version).metrics == {"accuracy": 0.9}


def test_an_outage_leaves_the_copy_waiting_and_it_ends_by_itself(
    register: Register, log_run: LogRun, run_job: RunJob, mlflow: MemoryTracking
) -> None:
    version = register(log_run())
    mlflow.down = True
    job = run_job(version.public_id)
    assert (job.status, fresh(version).artifact_state) == ("queued", ArtifactState.COPYING)
    mlflow.down = False
    Job.objects.update(run_after=Now())
    assert run_job(version.public_id).status == "succeeded"
    assert fresh(version).artifact_state == ArtifactState.READY


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"model.bin": "x"}, "no MLmodel"),
        ({"MLmodel": "flavors: [", "x": ""}, "cannot be read"),
        ({"MLmodel": "text", "x": ""}, "names no flavors"),
        ({"MLmodel": "[" * 1500, "x": ""}, "cannot be read"),
        ({"MLmodel": MLMODEL + " " * 2**20, "x": ""}, "larger than"),
        ({"MLmodel": MLMODEL, "mlMODEL": ""}, "one path"),
    ],
)
def test_an_artifact_that_cannot_be_taken_in_fails_with_its_reason(
    files: dict[str, str], reason: str, register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run(files))
    assert run_job(version.public_id).status == "failed"
    version = fresh(version)
    assert version.artifact_state == ArtifactState.FAILED
    assert reason in version.artifact_error
    assert Event.objects.get(tag="version:failed").after == {"reason": version.artifact_error}


def test_a_source_that_is_a_single_file_fails_with_its_reason(
    register: Register,
    log_run: LogRun,
    run_job: RunJob,
    mlflow: MemoryTracking,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = log_run()
    monkeypatch.setattr(mlflow, "download", lambda source, target: run.files / "MLmodel")
    version = register(run)
    assert run_job(version.public_id).status == "failed"
    assert "no MLmodel" in fresh(version).artifact_error


def test_a_run_that_is_gone_fails_the_version(
    register: Register, log_run: LogRun, run_job: RunJob, mlflow: MemoryTracking
) -> None:
    run = log_run()
    version = register(run)
    mlflow.artifacts.clear()
    assert run_job(version.public_id).status == "failed"
    assert fresh(version).artifact_state == ArtifactState.FAILED


def test_a_failed_copy_is_repaired_by_a_retry(
    register: Register, log_run: LogRun, run_job: RunJob, mlflow: MemoryTracking, actor: Actor
) -> None:
    run = log_run()
    version = register(run)
    kept, mlflow.artifacts = mlflow.artifacts, {}
    run_job(version.public_id)
    mlflow.artifacts = kept
    services.retry_artifact(version_id=version.pk, actor=actor)
    run_job(version.public_id)
    version = fresh(version)
    assert (version.artifact_state, version.artifact_error) == (ArtifactState.READY, "")


def test_copying_a_ready_version_again_changes_nothing(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run())
    job = run_job(version.public_id)
    before = fresh(version)
    Job.objects.filter(pk=job.pk).update(status="queued")
    run_job(version.public_id)
    assert fresh(version).tree_digest == before.tree_digest
    assert Event.objects.filter(tag="version:ready").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_overtaken_before_it_began_leaves_a_ready_version_alone(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run())
    job = Job.objects.get(subject=version.public_id)
    stale = leases.claim(Job, job.pk)
    assert stale is not None
    loaded = fresh(version)
    Job.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    jobs.run(job.pk)
    assert fresh(version).artifact_state == ArtifactState.READY
    with pytest.raises(LeaseLost):
        artifacts._mark_copying(stale, loaded)
    assert fresh(version).artifact_state == ArtifactState.READY


@pytest.mark.django_db(transaction=True)
def test_a_worker_overtaken_while_it_fetched_records_nothing(
    register: Register, log_run: LogRun, mlflow: MemoryTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(log_run())
    job = Job.objects.get(subject=version.public_id)
    real, calls = mlflow.download, []

    def slow(source: str, target: object) -> object:
        calls.append(source)
        if len(calls) == 1:
            Job.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
            jobs.run(job.pk)
        return real(source, target)

    monkeypatch.setattr(mlflow, "download", slow)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (len(calls), job.status, job.token) == (2, "succeeded", 2)
    assert Event.objects.filter(tag="version:ready").count() == 1


def test_a_failed_copy_that_is_queued_again_can_be_cancelled(
    register: Register, log_run: LogRun, run_job: RunJob, mlflow: MemoryTracking
) -> None:
    version = register(log_run())
    mlflow.artifacts.clear()
    job = run_job(version.public_id)
    retry_job(job_id=job.pk, actor=SYSTEM)
    cancel_job(job_id=job.pk, actor=SYSTEM)
    assert fresh(version).artifact_state == ArtifactState.FAILED


def test_a_cancelled_copy_fails_its_version(register: Register, log_run: LogRun) -> None:
    version = register(log_run())
    cancel_job(job_id=Job.objects.get().pk, actor=SYSTEM)
    version = fresh(version)
    assert (version.artifact_state, version.artifact_error) == ("failed", "Cancelled on request.")


def test_a_failure_that_comes_late_leaves_a_ready_version_alone(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run())
    job = run_job(version.public_id)
    artifacts.copy_failed(job, "late")
    assert fresh(version).artifact_state == ArtifactState.READY


def test_a_ready_artifact_is_never_copied_over(
    register: Register, log_run: LogRun, run_job: RunJob
) -> None:
    version = register(log_run())
    run_job(version.public_id)
    with pytest.raises(InvalidTransition):
        fresh(version).move_artifact_to(ArtifactState.COPYING)


def test_a_job_of_an_unknown_version_is_refused() -> None:
    with pytest.raises(artifacts.NotFound):
        artifacts.copy_artifact(Work(Job(subject="mdv_gone"), Heartbeat(Job())))
