import pytest

from hokusai.accounts.choices import Role
from hokusai.core.models import Job
from registry.choices import ConflictState, MirrorState
from registry.models import ModelVersion, TrackedExperiment, TrackedVersion
from tests.factories import (
    ModelVersionFactory,
    ProjectFactory,
    SuperuserFactory,
    SyncConflictFactory,
    TrackedExperimentFactory,
    TrackedVersionFactory,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db
INBOX, EXPERIMENTS, CONFLICTS = (
    f"/api/v1/{path}" for path in ("tracked-versions", "tracked-experiments", "sync/conflicts")
)


def test_an_administrator_assigns_what_waits() -> None:
    project, rows = ProjectFactory(slug="tides"), [TrackedVersionFactory(), TrackedVersionFactory()]
    client = client_of(SuperuserFactory())
    assert len(client.get(f"{INBOX}?state=inbox").json()["results"]) == 2
    body = {"ids": [row.public_id for row in rows], "project": "tides"}
    answer = client.post(f"{INBOX}/assign", body)
    assert answer.status_code == 200
    assert {row["state"] for row in answer.json()} == {"linked"}
    assert ModelVersion.objects.filter(project=project, origin="pulled").count() == 2
    assert client.post(f"{INBOX}/assign", body).status_code == 409


def test_what_is_ignored_comes_back() -> None:
    row, client = TrackedVersionFactory(), client_of(SuperuserFactory())
    body = {"ids": [row.public_id]}
    client.post(f"{INBOX}/ignore", body)
    assert TrackedVersion.objects.get().state == MirrorState.IGNORED
    client.post(f"{INBOX}/unignore", body)
    assert TrackedVersion.objects.get().state == MirrorState.INBOX


def test_nothing_known_among_the_ids_is_invalid() -> None:
    client = client_of(SuperuserFactory())
    answer = client.post(f"{INBOX}/ignore", {"ids": [f"tvr_{'0' * 32}"]})
    assert answer.status_code == 400


def test_an_owner_maps_an_experiment_that_names_the_project() -> None:
    project = ProjectFactory(slug="tides")
    row = TrackedExperimentFactory(project=None, tags={"hokusai.project": "tides"})
    owner = client_as(project, Role.OWNER)
    assert [e["id"] for e in owner.get(EXPERIMENTS).json()["results"]] == [row.public_id]
    answer = owner.post(f"{EXPERIMENTS}/{row.public_id}/map", {"project": "tides"})
    assert (answer.status_code, answer.json()["project"]) == (200, "tides")
    assert Job.objects.filter(kind="mlflow_reconcile").exists()


@pytest.mark.parametrize("tags", [{}, {"hokusai.project": "other"}])
def test_an_owner_sees_no_experiment_that_does_not_name_the_project(tags: dict[str, str]) -> None:
    project = ProjectFactory(slug="tides")
    row = TrackedExperimentFactory(project=None, tags=tags)
    owner = client_as(project, Role.OWNER)
    assert owner.get(EXPERIMENTS).json()["results"] == []
    path = f"{EXPERIMENTS}/{row.public_id}/map"
    assert owner.post(path, {"project": "tides"}).status_code == 404


def test_an_engineer_maps_nothing() -> None:
    project = ProjectFactory(slug="tides")
    row = TrackedExperimentFactory(project=None, tags={"hokusai.project": "tides"})
    path = f"{EXPERIMENTS}/{row.public_id}/map"
    assert client_as(project).post(path, {"project": "tides"}).status_code == 404


def test_an_owner_does_not_take_another_projects_experiment() -> None:
    mine, theirs = ProjectFactory(slug="mine"), ProjectFactory()
    user = member(mine, Role.OWNER)
    row = TrackedExperimentFactory(project=theirs, tags={"hokusai.project": "mine"})
    path = f"{EXPERIMENTS}/{row.public_id}/map"
    assert client_of(user).post(path, {"project": "mine"}).status_code == 404


def test_an_administrator_maps_and_unmaps_any() -> None:
    ProjectFactory(slug="tides")
    row, client = TrackedExperimentFactory(project=None), client_of(SuperuserFactory())
    path = f"{EXPERIMENTS}/{row.public_id}"
    assert client.post(f"{path}/map", {"project": "tides"}).status_code == 200
    assert client.post(f"{path}/unmap").status_code == 200
    assert TrackedExperiment.objects.get().project is None


def test_a_conflict_is_resolved_in_one_call() -> None:
    version = ModelVersionFactory(description="c", sync_state="conflict")
    conflict = SyncConflictFactory(version=version)
    client = client_as(version.project)
    answer = client.post(f"{CONFLICTS}/{conflict.public_id}/resolve", {"choice": "ours"})
    assert answer.json()["state"] == ConflictState.OURS
    version.refresh_from_db()
    assert (version.description, version.sync_state) == ("b", "pending")
    again = client.post(f"{CONFLICTS}/{conflict.public_id}/resolve", {"choice": "theirs"})
    assert again.status_code == 409


def test_stages_are_never_taken_from_there() -> None:
    version = ModelVersionFactory()
    conflict = SyncConflictFactory(version=version, field="alias:production")
    path = f"{CONFLICTS}/{conflict.public_id}/resolve"
    client = client_as(version.project)
    assert client.post(path, {"choice": "theirs"}).status_code == 409
    assert client.post(path, {"choice": "ours"}).status_code == 200


def test_the_status_counts_what_one_may_see() -> None:
    version = ModelVersionFactory()
    SyncConflictFactory(version=version)
    SyncConflictFactory()
    TrackedVersionFactory()
    own = client_as(version.project).get("/api/v1/sync/status").json()
    everything = client_of(SuperuserFactory()).get("/api/v1/sync/status").json()
    assert (own["open_conflicts"], own["inbox"], own["lag_s"]) == (1, 0, None)
    assert (everything["open_conflicts"], everything["inbox"]) == (2, 1)
