"""Runs of MLflow's own server, brought along as a worker does it."""

import secrets
from datetime import UTC, datetime

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from pytest_django import Settings

from experiments import histories, runs
from experiments.models import Run
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.models import Job
from hokusai.tracking import tracking
from registry.models import TrackedExperiment
from tests.factories import TrackedExperimentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def plain(mlflow_url: str, settings: Settings) -> MlflowClient:
    """The run's server as an engineer uses it; the platform uses the same."""
    options = {"uri": mlflow_url, "timeout_s": 30.0}
    settings.TRACKING = {
        "default": {"BACKEND": "hokusai.tracking.mlflow.MlflowTracking", "OPTIONS": options}
    }
    tracking.forget()
    return MlflowClient(mlflow_url)


@pytest.fixture
def experiment(plain: MlflowClient) -> TrackedExperiment:
    name = f"real-{secrets.token_hex(4)}"
    made = plain.get_experiment(plain.create_experiment(name))
    return TrackedExperimentFactory(
        experiment_id=made.experiment_id,
        name=name,
        created_at=datetime.fromtimestamp(made.creation_time / 1000, UTC),
    )


def sweep() -> None:
    runs.request_sweep("default")
    jobs.run(Job.objects.unfinished().get(kind=runs.SWEEP).pk)


def test_a_run_comes_along_ends_and_shows_its_curve(
    plain: MlflowClient, experiment: TrackedExperiment
) -> None:
    sweep()
    made = plain.create_run(experiment.experiment_id, run_name="nightly").info.run_id
    points = [Metric("val/loss", value, step, step) for step, value in ((1, 0.5), (2, 0.25))]
    plain.log_batch(made, metrics=[*points, Metric("broken", float("nan"), 1, 1)])
    plain.log_param(made, "C", "0.5")
    runs.pull_news("default")
    run = Run.objects.get(run_id=made)
    assert (run.name, run.status) == ("nightly", "running")
    assert (run.metrics, run.parameters) == ({"val/loss": 0.25}, {"C": "0.5"})
    plain.set_terminated(made)
    runs.pull_news("default")
    run.refresh_from_db()
    assert run.status == "finished"
    job = histories.request_history(run_id=run.pk, actor=actor_of(UserFactory()))
    jobs.run(job.pk)
    assert [[p[0], p[2]] for p in run.histories.get().points] == [[1, 0.5], [2, 0.25]]


def test_a_deleted_run_and_one_of_a_deleted_experiment_are_kept(
    plain: MlflowClient, experiment: TrackedExperiment
) -> None:
    first, second = (plain.create_run(experiment.experiment_id).info.run_id for _ in range(2))
    plain.delete_run(first)
    sweep()
    states = dict(Run.objects.values_list("run_id", "lifecycle"))
    assert states == {first: "deleted", second: "active"}
    plain.delete_experiment(experiment.experiment_id)
    sweep()
    assert set(Run.objects.values_list("lifecycle", flat=True)) == {"deleted"}
