"""An engineer who never heard of the platform, and what appears of their work."""

import uuid
from collections.abc import Callable

import mlflow
import pytest
from mlflow import MlflowClient

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core import jobs, outbox
from hokusai.core.models import Job
from hokusai.tracking import tracking
from registry import services
from registry.choices import SYNC_SUBSCRIBER, ArtifactState
from registry.models import ModelVersion, TrackedExperiment, TrackedVersion
from tests.factories import SuperuserFactory
from tests.hokusai.tracking.logged import PARAMETERS, log_model

pytestmark = pytest.mark.django_db


def sweep() -> None:
    services.request_sweep(server="default")
    jobs.run(Job.objects.unfinished().get(kind="mlflow_sweep").pk)


def test_a_plainly_registered_model_appears_in_the_project_of_its_experiment(
    mlflow_url: str,
    project: Project,
    run_job: Callable[[str], Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"plain-{uuid.uuid4().hex[:10]}"
    logged = log_model(mlflow_url)
    monkeypatch.setitem(tracking._instances, "default", logged.client())
    mlflow.register_model(logged.source, name, tags={"team": "risk"})
    sweep()
    tracked = TrackedVersion.objects.get(name=name)
    assert not ModelVersion.objects.filter(run_id=logged.run_id).exists()

    experiment = TrackedExperiment.objects.get(name="contract")
    assert tracked.experiment == experiment
    services.map_experiment(
        experiment_id=experiment.pk, project=project, actor=actor_of(SuperuserFactory())
    )
    jobs.run(Job.objects.unfinished().get(kind="mlflow_reconcile").pk)
    version = ModelVersion.objects.get(mlflow_name=name)
    assert (version.project, version.run_id) == (project, logged.run_id)
    assert version.metrics == {"accuracy": logged.accuracy}
    assert version.parameters == PARAMETERS
    assert dict(version.tags.values_list("key", "value")) == {"team": "risk"}

    run_job(version.public_id)
    version.refresh_from_db()
    assert (version.artifact_state, version.flavor) == (ArtifactState.READY, "sklearn")
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")
    there = MlflowClient(mlflow_url).get_model_version(name, "1")
    assert there.tags["hokusai.digest"] == version.tree_digest
    assert MlflowClient(mlflow_url).get_model_version_by_alias(name, "hokusai-1").version == "1"
