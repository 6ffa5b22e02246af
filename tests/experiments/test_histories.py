import pytest

from experiments import histories
from experiments.models import Run
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import InvalidInput
from hokusai.core.events import Actor
from hokusai.core.models import Event, Job
from hokusai.tracking import tracking
from hokusai.tracking.memory import MemoryTracking
from tests.factories import RunFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mlflow() -> MemoryTracking:
    client = tracking["default"]
    assert isinstance(client, MemoryTracking)
    return client


@pytest.fixture
def actor() -> Actor:
    return actor_of(UserFactory())


@pytest.fixture
def run(mlflow: MemoryTracking) -> Run:
    """A run with two curves on the server."""
    identifier = mlflow.server.make_experiment("digits")
    run_id = mlflow.server.log_run(identifier)
    for step, value in enumerate((0.9, 0.5, float("nan"), 0.3)):
        mlflow.server.log_metric(run_id, "val/loss", value, step)
    mlflow.server.log_metric(run_id, "accuracy", 0.8)
    return RunFactory(run_id=run_id, metrics={"val/loss": 0.3, "accuracy": 0.8})


def fetched(run: Run, actor: Actor) -> Job:
    job = histories.request_history(run_id=run.pk, actor=actor)
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


def test_curves_are_fetched_by_a_worker(run: Run, actor: Actor) -> None:
    assert fetched(run, actor).status == WorkStatus.SUCCEEDED
    loss = run.histories.get(metric="val/loss")
    assert [(step, value) for step, _, value in loss.points] == [(0, 0.9), (1, 0.5), (3, 0.3)]
    assert loss.total == 3
    assert run.histories.count() == 2


def test_fetching_again_renews(run: Run, actor: Actor, mlflow: MemoryTracking) -> None:
    fetched(run, actor)
    mlflow.server.log_metric(run.run_id, "accuracy", 0.85, 1)
    fetched(run, actor)
    assert run.histories.get(metric="accuracy").total == 2
    assert run.histories.count() == 2


def test_asking_twice_is_one_job_and_one_record(run: Run, actor: Actor) -> None:
    first = histories.request_history(run_id=run.pk, actor=actor)
    assert histories.request_history(run_id=run.pk, actor=actor) == first
    event = Event.objects.get(tag="run:history_requested")
    assert (event.subject, event.project_id) == (run.public_id, run.experiment.project_id)


def test_a_run_without_metrics_has_no_curves(actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        histories.request_history(run_id=RunFactory(metrics={}).pk, actor=actor)


def test_of_several_runs_those_without_metrics_are_passed_over(run: Run, actor: Actor) -> None:
    empty = RunFactory(metrics={})
    made = histories.request_histories(run_ids=[run.pk, empty.pk], actor=actor)
    assert [job.subject for job in made] == [run.public_id]


def test_an_outage_leaves_the_job_waiting(run: Run, actor: Actor, mlflow: MemoryTracking) -> None:
    mlflow.down = True
    assert fetched(run, actor).status == WorkStatus.QUEUED


def test_a_run_that_is_gone_there_fails_with_the_reason(actor: Actor) -> None:
    job = fetched(RunFactory(), actor)
    assert job.status == WorkStatus.FAILED
    assert "does not know this run" in job.last_error


def test_very_many_points_are_thinned(
    run: Run, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "POINTS_KEPT", 2)
    fetched(run, actor)
    loss = run.histories.get(metric="val/loss")
    assert (loss.points[0][0], loss.points[-1][0], loss.total) == (0, 3, 3)
