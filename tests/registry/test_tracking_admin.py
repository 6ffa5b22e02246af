import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hokusai.accounts.choices import Role
from hokusai.core import jobs
from hokusai.core.models import Job
from hokusai.tracking.memory import MemoryTracking
from registry.choices import ConflictState, MirrorState
from registry.models import (
    ModelVersion,
    SyncConflict,
    SyncPass,
    TrackedExperiment,
    TrackedVersion,
    TrackingImport,
)
from tests.factories import (
    ModelVersionFactory,
    ProjectFactory,
    SuperuserFactory,
    SyncConflictFactory,
    TrackedExperimentFactory,
    TrackedVersionFactory,
)
from tests.staff import SENT, logged_in, staff_in

pytestmark = pytest.mark.django_db
LISTS = ("trackedversion", "trackedexperiment", "syncconflict", "syncpass", "trackingimport")


@pytest.fixture
def root() -> Client:
    return logged_in(SuperuserFactory())


def act(client: Client, name: str, obj: object, **data: str) -> object:
    return client.post(reverse(f"admin:registry_{name}", args=[obj.pk]), {**SENT, **data})


def page(client: Client, obj: object) -> str:
    name = type(obj)._meta.model_name
    answer = client.get(reverse(f"admin:registry_{name}_change", args=[obj.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_says_what_to_do(root: Client, name: str) -> None:
    answer = root.get(reverse(f"admin:registry_{name}_changelist"))
    assert answer.status_code == 200
    assert "hk-empty" in answer.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_lists_open_with_rows(root: Client, name: str) -> None:
    version = ModelVersionFactory()
    TrackedVersionFactory(version=version, state="linked")
    TrackedVersionFactory(experiment=TrackedExperimentFactory())
    SyncConflictFactory(version=version)
    SyncPass.objects.create(kind="full", report={"came_back_empty": True})
    TrackingImport.objects.create(server="default", requested_by=version.registered_by)
    assert root.get(reverse(f"admin:registry_{name}_changelist")).status_code == 200


def test_the_inbox_is_the_administrators(root: Client) -> None:
    row = TrackedVersionFactory()
    engineer = staff_in(ProjectFactory(), Role.OWNER).client
    path = reverse("admin:registry_trackedversion_change", args=[row.pk])
    assert engineer.get(path).status_code == 404
    assert str(row) in page(root, row)


def test_a_whole_model_is_assigned_at_once(root: Client) -> None:
    project = ProjectFactory()
    first, _ = (TrackedVersionFactory(name="churn", number=n) for n in (1, 2))
    TrackedVersionFactory(name="other")
    act(root, "trackedversion_assign", first, project=str(project.pk), whole_model="on")
    assert ModelVersion.objects.filter(project=project).count() == 2
    assert TrackedVersion.objects.filter(state=MirrorState.INBOX).count() == 1


def test_what_was_put_aside_is_put_back(root: Client) -> None:
    row = TrackedVersionFactory()
    act(root, "trackedversion_ignore", row)
    row.refresh_from_db()
    assert row.state == MirrorState.IGNORED
    act(root, "trackedversion_unignore", row)
    row.refresh_from_db()
    assert row.state == MirrorState.INBOX


def test_an_owner_maps_what_names_the_project() -> None:
    project = ProjectFactory()
    owner = staff_in(project, Role.OWNER).client
    row = TrackedExperimentFactory(project=None, tags={"hokusai.project": project.slug})
    assert row.name in page(owner, row)
    act(owner, "trackedexperiment_map_to", row, project=str(project.pk))
    assert TrackedExperiment.objects.get().project == project


def test_an_owner_sees_no_other_experiment() -> None:
    owner = staff_in(ProjectFactory(), Role.OWNER).client
    row = TrackedExperimentFactory(project=None)
    path = reverse("admin:registry_trackedexperiment_change", args=[row.pk])
    assert owner.get(path).status_code == 404


def test_a_conflict_is_decided_on_its_page() -> None:
    version = ModelVersionFactory()
    engineer = staff_in(version.project, Role.ENGINEER).client
    row = SyncConflictFactory(version=version)
    assert "Keep ours" in page(engineer, row)
    act(engineer, "syncconflict_theirs", row)
    assert SyncConflict.objects.get().state == ConflictState.THEIRS
    version.refresh_from_db()
    assert version.description == "c"


def test_theirs_is_not_offered_for_a_stage(root: Client) -> None:
    row = SyncConflictFactory(field="tag:hokusai.stage")
    shown = page(root, row)
    assert "Keep ours" in shown
    assert "Take theirs" not in shown


def test_an_empty_server_is_said_to_have_been_empty(root: Client) -> None:
    row = SyncPass.objects.create(kind="full", complete=True, report={"came_back_empty": True})
    assert "server was empty" in page(root, row)
    act(root, "syncpass_again", row)
    assert Job.objects.filter(kind="mlflow_sweep").exists()


def test_an_import_begins_with_a_dry_run(root: Client, mlflow: MemoryTracking) -> None:
    mlflow.server.register("churn", "s3://bucket/model")
    answer = root.post(reverse("admin:registry_trackingimport_add"), {"server": "default"})
    row = TrackingImport.objects.get()
    assert answer.status_code == 302
    assert row.dry_run
    jobs.run(Job.objects.get(kind="mlflow_import").pk)
    assert not TrackedVersion.objects.exists()
    shown = page(root, row)
    assert "versions there" in shown
    act(root, "trackingimport_apply", row)
    jobs.run(Job.objects.unfinished().get(kind="mlflow_import").pk)
    assert TrackedVersion.objects.count() == 1
    assert "Log" in page(root, TrackingImport.objects.latest("pk"))


def test_a_versions_page_says_that_its_twin_is_missing(root: Client) -> None:
    version = ModelVersionFactory(sync_state="conflict")
    TrackedVersionFactory(version=version, state="linked", missing_since=timezone.now())
    SyncConflictFactory(version=version)
    shown = page(root, version)
    assert "Missing in MLflow since" in shown
    assert "Conflicts with MLflow" in shown
