from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from experiments import runs, tasks
from experiments.choices import RunLifecycle, RunStatus
from experiments.models import Run, RunFeed
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Job
from hokusai.tracking import RunRecord, TrackingUnavailable, tracking
from hokusai.tracking.memory import MemoryTracking
from registry.models import TrackedExperiment
from tests.factories import ProjectFactory, TrackedExperimentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mlflow() -> MemoryTracking:
    client = tracking["default"]
    assert isinstance(client, MemoryTracking)
    return client


def mapped(mlflow: MemoryTracking, name: str = "digits", **facts: Any) -> TrackedExperiment:
    """An experiment that is there, and mapped here."""
    identifier = mlflow.server.make_experiment(name)
    created_ms = mlflow.server.experiments[identifier].created_at_ms
    facts.setdefault("created_at", datetime.fromtimestamp(created_ms / 1000, UTC))
    return TrackedExperimentFactory(experiment_id=identifier, name=name, **facts)


@pytest.fixture
def experiment(mlflow: MemoryTracking) -> TrackedExperiment:
    return mapped(mlflow)


def sweep() -> Job:
    """A complete pass as the schedule and a worker do it."""
    tasks.sweep_runs()
    job = Job.objects.unfinished().get(kind=runs.SWEEP)
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


def later(hours: float) -> Callable[[], datetime]:
    moment = timezone.now() + timedelta(hours=hours)
    return lambda: moment


def test_a_complete_pass_brings_runs_along(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    run_id = mlflow.server.log_run(
        experiment.experiment_id, metrics={"loss": 0.5}, parameters={"C": "1"}, name="first"
    )
    job = sweep()
    run = Run.objects.get()
    assert job.status == WorkStatus.SUCCEEDED
    assert "digits: 1 runs" in job.log
    assert (run.run_id, run.name, run.experiment) == (run_id, "first", experiment)
    assert (run.metrics, run.parameters) == ({"loss": 0.5}, {"C": "1"})
    assert run.project == experiment.project


def test_runs_of_an_experiment_that_is_not_mapped_stay_there(mlflow: MemoryTracking) -> None:
    other = mapped(mlflow, project=None)
    mlflow.server.log_run(other.experiment_id)
    mapped(mlflow, "mine")
    sweep()
    tasks.pull_runs()
    assert not Run.objects.exists()


def test_without_a_mapped_experiment_nothing_is_asked(mlflow: MemoryTracking) -> None:
    mlflow.down = True
    tasks.pull_runs()
    tasks.sweep_runs()
    assert not Job.objects.exists()


def test_a_newly_mapped_experiment_gets_a_complete_pass_first(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    mlflow.server.log_run(experiment.experiment_id, started_at_ms=1)
    tasks.pull_runs()
    tasks.pull_runs()
    assert not Run.objects.exists()
    jobs.run(Job.objects.get(kind=runs.SWEEP).pk)
    assert Run.objects.count() == 1


def test_what_begins_later_comes_with_the_next_look(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    sweep()
    run_id = mlflow.server.log_run(experiment.experiment_id)
    assert runs.pull_news("default") == 1
    assert Run.objects.get().run_id == run_id
    assert runs.pull_news("default") == 0


def test_a_run_that_had_not_ended_is_followed(
    mlflow: MemoryTracking, experiment: TrackedExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = mlflow.server.log_run(experiment.experiment_id, status="RUNNING")
    sweep()
    assert Run.objects.get().status == RunStatus.RUNNING
    # So much later that it is no news any more.
    monkeypatch.setattr(runs.timezone, "now", later(hours=20))
    runs.pull_news("default")
    mlflow.server.log_metric(run_id, "loss", 0.25)
    mlflow.server.change_run(run_id, status="FINISHED", ended_at_ms=mlflow.server.now_ms())
    runs.pull_news("default")
    run = Run.objects.get()
    assert (run.status, run.metrics) == (RunStatus.FINISHED, {"loss": 0.25})
    assert run.ended_at is not None


def test_metrics_after_the_end_come_with_the_complete_pass(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    run_id = mlflow.server.log_run(experiment.experiment_id, started_at_ms=1)
    sweep()
    mlflow.server.log_metric(run_id, "late", 1.0)
    runs.pull_news("default")
    assert Run.objects.get().metrics == {}
    sweep()
    assert Run.objects.get().metrics == {"late": 1.0}


def test_reading_twice_writes_once(mlflow: MemoryTracking, experiment: TrackedExperiment) -> None:
    for _ in range(3):
        mlflow.server.log_run(experiment.experiment_id)
    sweep()
    before = list(Run.objects.values_list("pk", "public_id", "seen_at"))
    sweep()
    assert list(Run.objects.values_list("pk", "public_id", "seen_at")) == before


def test_pages_are_followed_to_their_end(
    mlflow: MemoryTracking, experiment: TrackedExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {mlflow.server.log_run(experiment.experiment_id) for _ in range(7)}
    real = mlflow.list_runs
    monkeypatch.setattr(
        mlflow, "list_runs", lambda ids, **given: real(ids, **{**given, "limit": 3})
    )
    sweep()
    assert set(Run.objects.values_list("run_id", flat=True)) == made


def test_a_deleted_run_is_shown_as_deleted_and_kept(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    run_id = mlflow.server.log_run(experiment.experiment_id)
    sweep()
    mlflow.server.change_run(run_id, lifecycle="deleted")
    sweep()
    assert Run.objects.get().lifecycle == RunLifecycle.DELETED


def test_a_run_is_missing_after_two_complete_passes_and_never_deleted(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    run_id = mlflow.server.log_run(experiment.experiment_id)
    sweep()
    gone = mlflow.server.runs.pop(run_id)
    sweep()
    assert Run.objects.get().lifecycle == RunLifecycle.ACTIVE
    sweep()
    assert Run.objects.get().lifecycle == RunLifecycle.MISSING
    mlflow.server.runs[run_id] = gone
    sweep()
    assert (Run.objects.get().lifecycle, Run.objects.get().missed) == (RunLifecycle.ACTIVE, 0)


def test_a_run_that_was_missed_once_and_seen_again_begins_anew(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    run_id = mlflow.server.log_run(experiment.experiment_id)
    sweep()
    for _ in range(2):
        gone = mlflow.server.runs.pop(run_id)
        sweep()
        mlflow.server.runs[run_id] = gone
        sweep()
    assert Run.objects.get().lifecycle == RunLifecycle.ACTIVE


def test_a_server_that_comes_back_empty_deletes_nothing(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    mlflow.server.log_run(experiment.experiment_id)
    sweep()
    mlflow.come_back_empty()
    runs.pull_news("default")
    sweep()
    sweep()
    assert Run.objects.get().lifecycle == RunLifecycle.MISSING


def test_another_experiment_under_the_same_id_is_nobodys(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    sweep()
    mlflow.come_back_empty()
    again = mlflow.server.make_experiment("somebody else's")
    row = mlflow.server.experiments[again]
    assert again == experiment.experiment_id
    experiment.created_at = datetime.fromtimestamp(row.created_at_ms / 1000 - 3600, UTC)
    experiment.save()
    mlflow.server.log_run(again)
    runs.pull_news("default")
    sweep()
    assert not Run.objects.exists()


def test_an_outage_waits_and_loses_nothing(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    sweep()
    mlflow.server.log_run(experiment.experiment_id)
    mlflow.down = True
    with pytest.raises(TrackingUnavailable):
        runs.pull_news("default")
    tasks.pull_runs()
    assert sweep().status == WorkStatus.QUEUED
    mlflow.down = False
    tasks.pull_runs()
    assert Run.objects.count() == 1


def test_a_pass_that_was_killed_goes_on_where_it_stopped(
    mlflow: MemoryTracking, experiment: TrackedExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = mapped(mlflow, "other")
    asked: list[str] = []
    real = mlflow.list_runs

    def dying(ids: list[str], **given: Any) -> Any:
        asked.extend(ids)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(ids, **given)

    monkeypatch.setattr(mlflow, "list_runs", dying)
    with pytest.raises(KeyboardInterrupt):
        sweep()
    job = Job.objects.get(kind=runs.SWEEP)
    Job.objects.update(status=WorkStatus.QUEUED, lease_expires_at=None)
    jobs.run(job.pk)
    assert sorted(asked) == sorted([experiment.experiment_id, other.experiment_id, asked[1]])
    assert RunFeed.objects.filter(swept_at__isnull=False).count() == 2


def test_one_pass_goes_at_a_time(experiment: TrackedExperiment) -> None:
    tasks.sweep_runs()
    tasks.sweep_runs()
    assert Job.objects.filter(kind=runs.SWEEP).count() == 1


def test_runs_follow_their_experiment_to_another_project(
    mlflow: MemoryTracking, experiment: TrackedExperiment
) -> None:
    mlflow.server.log_run(experiment.experiment_id)
    sweep()
    experiment.project = ProjectFactory()
    experiment.save()
    assert Run.objects.get().project == experiment.project


def test_a_run_of_a_server_that_left_the_settings_is_not_asked_for(
    mlflow: MemoryTracking,
) -> None:
    mapped(mlflow, server="gone")
    tasks.pull_runs()
    tasks.sweep_runs()
    assert not Job.objects.exists()


def test_records_of_other_experiments_are_passed_over(experiment: TrackedExperiment) -> None:
    foreign = RunRecord("a" * 32, {}, {}, {}, experiment_id="elsewhere")
    assert runs.keep({experiment.experiment_id: experiment}, [foreign]) == 0
    assert not Run.objects.exists()
