"""Registering what plain MLflow logged, against MLflow's own server."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from mlflow import MlflowClient
from pytest_django import Settings

from hokusai.accounts.models import Project
from hokusai.core import outbox
from hokusai.core.events import Actor
from hokusai.core.models import Job
from hokusai.storage import stores
from hokusai.tracking import tracking
from registry import services
from registry.choices import SYNC_SUBSCRIBER, ArtifactState, SyncState
from registry.models import ModelVersion
from tests.hokusai.tracking.logged import LoggedModel, log_model

pytestmark = pytest.mark.django_db


def unique(name: str) -> str:
    """A name that no other test's model has on the server, which they share."""
    return f"{name}-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def logged(mlflow_url: str) -> LoggedModel:
    return log_model(mlflow_url)


@pytest.fixture
def _real_tracking(settings: Settings, mlflow_url: str) -> Iterator[None]:
    settings.TRACKING = {
        "default": {
            "BACKEND": "hokusai.tracking.mlflow.MlflowTracking",
            "OPTIONS": {"uri": mlflow_url, "timeout_s": 30},
        }
    }
    tracking.forget()
    yield
    tracking.forget()


@pytest.mark.usefixtures("_real_tracking")
@pytest.mark.parametrize("named_by", ["run", "model"])
def test_a_logged_model_is_copied_and_shown_under_our_number(
    named_by: str,
    logged: LoggedModel,
    project: Project,
    actor: Actor,
    run_job: Callable[[str], Job],
) -> None:
    source = logged.source if named_by == "run" else f"models:/{logged.logged_id}"
    version = services.register_version(
        project=project, slug=unique("digits"), source=source, actor=actor
    )
    assert run_job(version.public_id).status == "succeeded"
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")

    version = ModelVersion.objects.get(pk=version.pk)
    assert (version.artifact_state, version.flavor) == (ArtifactState.READY, "sklearn")
    assert (version.run_id, version.metrics) == (logged.run_id, {"accuracy": logged.accuracy})
    assert stores["default"].verify_tree(version.tree_digest).size_bytes == version.size_bytes
    assert (version.sync_state, version.mlflow_note) == (SyncState.SYNCED, "")
    plain = MlflowClient(logged.uri, logged.uri)
    shown = plain.get_model_version_by_alias(version.model.model_id, "hokusai-1")
    assert shown.version == version.mlflow_version
    assert shown.run_id == logged.run_id
    assert shown.tags["hokusai.digest"] == version.tree_digest


@pytest.mark.usefixtures("_real_tracking")
def test_a_version_registered_in_mlflow_can_be_registered_here(
    logged: LoggedModel, project: Project, actor: Actor, run_job: Callable[[str], Job]
) -> None:
    plain = MlflowClient(logged.uri, logged.uri)
    name = unique("Fraud detection ")
    plain.create_registered_model(name)
    made = plain.create_model_version(
        name,
        f"models:/{logged.logged_id}",
        run_id=logged.run_id,
        model_id=logged.logged_id,
    )
    version = services.register_version(
        project=project,
        slug=unique("fraud"),
        source=f"models:/{name}/{made.version}",
        actor=actor,
    )
    assert run_job(version.public_id).status == "succeeded"
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")
    version = ModelVersion.objects.get(pk=version.pk)
    assert (version.artifact_state, version.sync_state) == ("ready", "synced")
