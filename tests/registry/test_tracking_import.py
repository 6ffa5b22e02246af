from collections.abc import Iterator
from io import StringIO
from typing import Any, ClassVar

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict
from hokusai.core.events import Actor
from hokusai.core.jobs import Work
from hokusai.core.models import Event, Job
from hokusai.tracking.memory import MemoryTracking
from registry import mirroring, services
from registry.choices import ArtifactState, MirrorState, SyncState
from registry.import_steps import ImportStep
from registry.models import (
    LineageEdge,
    Model,
    ModelVersion,
    TrackedExperiment,
    TrackedModel,
    TrackedVersion,
    TrackingImport,
)
from tests.factories import ProjectFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
COPY = "artifact_copy"


@pytest.fixture
def root() -> Actor:
    return actor_of(SuperuserFactory())


@pytest.fixture
def server(mlflow: MemoryTracking) -> Iterator[MemoryTracking]:
    """Three models of four versions each, in two experiments."""
    experiments = [mlflow.server.make_experiment(name) for name in ("one", "two")]
    for place, name in enumerate(("churn", "fraud", "prices")):
        for step in range(4):
            run_id = mlflow.server.log_run(
                experiments[place % 2], metrics={"auc": step / 10}, parameters={"depth": str(step)}
            )
            mlflow.server.register(
                name, f"runs:/{run_id}/model", run_id, tags={"team": "risk"}, description=f"v{step}"
            )
        mlflow.server.point_alias(name, "champion", "3")
    return mlflow


def bring(root: Actor, *, project: Project | None = None, dry_run: bool = False) -> TrackingImport:
    row = services.start_import(server="default", project=project, dry_run=dry_run, actor=root)
    jobs.run(Job.objects.get(subject=row.public_id).pk)
    return TrackingImport.objects.get(pk=row.pk)


def counts() -> tuple[int, ...]:
    return tuple(
        model.objects.count()
        for model in (TrackedExperiment, TrackedModel, TrackedVersion, Model, ModelVersion)
    )


def test_a_dry_run_reports_and_changes_nothing(server: MemoryTracking, root: Actor) -> None:
    project = ProjectFactory(slug="tides")
    report = bring(root, project=project, dry_run=True).report
    assert report["seen"] == {
        "experiments": 2,
        "models": 3,
        "versions": 12,
        "aliases": 3,
        "runs": 12,
    }
    assert (report["new"], report["projects"], report["inbox"]) == (12, {"tides": 12}, 0)
    assert counts() == (0, 0, 0, 0, 0)


def test_everything_comes_into_the_project(server: MemoryTracking, root: Actor) -> None:
    project = ProjectFactory(slug="tides")
    row = bring(root, project=project)
    assert row.report["projects"] == {"tides": 12}
    assert counts() == (2, 3, 12, 3, 12)
    version = ModelVersion.objects.get(model__slug="fraud", number=2)
    assert (version.mlflow_name, version.mlflow_version) == ("fraud", "2")
    assert (version.description, version.origin) == ("v1", "imported")
    assert (version.metrics, version.parameters) == ({"auc": 0.1}, {"depth": "1"})
    assert list(version.tags.values_list("key", "value")) == [("team", "risk")]
    assert list(version.scores.values_list("key", "value")) == [("auc", 0.1)]
    assert (version.sync_state, version.artifact_state) == (
        SyncState.SYNCED,
        ArtifactState.PENDING,
    )
    assert LineageEdge.objects.filter(dst__public_id=version.public_id).count() == 1
    assert TrackedModel.objects.get(name="fraud").aliases == {"champion": "3"}


def test_bytes_are_copied_afterwards(server: MemoryTracking, root: Actor) -> None:
    bring(root, project=ProjectFactory())
    copies = Job.objects.filter(kind=COPY)
    assert set(copies.values_list("subject", flat=True)) == set(
        ModelVersion.objects.values_list("public_id", flat=True)
    )
    assert services.copies_waiting(server="default") == 12
    assert mirroring.enqueue_copies("default") == 0


def test_one_event_tells_of_all(server: MemoryTracking, root: Actor) -> None:
    row = bring(root, project=ProjectFactory())
    tags = list(Event.objects.values_list("tag", flat=True).order_by("pk"))
    assert tags == ["import:requested", "import:finished"]
    assert Event.objects.get(tag="import:finished").after == row.report


def test_again_brings_nothing_twice(server: MemoryTracking, root: Actor) -> None:
    project = ProjectFactory()
    bring(root, project=project)
    before = counts()
    second = bring(root, project=project)
    assert counts() == before
    assert (second.report["new"], second.report["changed"]) == (0, 0)
    assert Job.objects.filter(kind=COPY).count() == 12


def test_without_a_project_all_waits_in_the_inbox(server: MemoryTracking, root: Actor) -> None:
    row = bring(root)
    assert row.report["inbox"] == 12
    assert not ModelVersion.objects.exists()
    rest = bring(root, project=ProjectFactory())
    assert rest.report["inbox"] == 0


def test_a_mapped_experiment_goes_before_the_project_named(
    server: MemoryTracking, root: Actor
) -> None:
    bring(root)
    mine, other = ProjectFactory(slug="mine"), ProjectFactory(slug="other")
    services.map_experiment(
        experiment_id=TrackedExperiment.objects.get(name="two").pk, project=mine, actor=root
    )
    assert bring(root, project=other).report["projects"] == {"mine": 4, "other": 8}


def test_experiments_may_come_to_belong_to_the_project(server: MemoryTracking, root: Actor) -> None:
    project, said = ProjectFactory(slug="tides"), StringIO()
    asked = ("--project", "tides", "--map-experiments")
    call_command("import_mlflow", *asked, stdout=said)
    assert '"mapped": 2' in said.getvalue()
    assert not TrackedExperiment.objects.exists()
    call_command("import_mlflow", *asked, "--apply", stdout=StringIO())
    assert TrackedExperiment.objects.filter(project=project).count() == 2
    with pytest.raises(CommandError):
        call_command("import_mlflow", "--map-experiments")


def test_a_killed_import_goes_on_where_it_was(
    server: MemoryTracking, root: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As if the process had died."""

    def die(server: str) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("registry.mirroring.enqueue_copies", die)
        with pytest.raises(Killed):
            bring(root, project=ProjectFactory(slug="tides"))
    assert ModelVersion.objects.count() == 12
    Job.objects.filter(kind="mlflow_import").update(status=WorkStatus.QUEUED)
    jobs.run(Job.objects.get(kind="mlflow_import").pk)
    row = TrackingImport.objects.get()
    assert row.finished_at is not None
    assert row.report["projects"] == {"tides": 12}
    assert (ModelVersion.objects.count(), Job.objects.filter(kind=COPY).count()) == (12, 12)


def test_an_outage_waits_and_then_goes_on(server: MemoryTracking, root: Actor) -> None:
    server.down = True
    row = bring(root, project=ProjectFactory())
    assert row.finished_at is None
    server.down = False
    job = Job.objects.get(subject=row.public_id)
    Job.objects.update(run_after=job.created_at)
    jobs.run(job.pk)
    assert TrackingImport.objects.get().finished_at is not None


def test_what_cannot_be_kept_is_named(server: MemoryTracking, root: Actor) -> None:
    server.server.register("x" * 300, "s3://bucket/model")
    report = bring(root).report
    assert len(report["refused"]) == 1
    assert "255" in report["refused"][0]["why"]


def test_an_import_under_way_allows_no_second(root: Actor) -> None:
    services.start_import(server="default", project=None, dry_run=True, actor=root)
    with pytest.raises(Conflict):
        services.start_import(server="default", project=None, dry_run=True, actor=root)


class Steps(ImportStep):
    title = "Songs"
    ran: ClassVar[list[str]] = []

    def preview(self, server: str) -> dict[str, Any]:
        return {"would": 3}

    def run(self, server: str, work: Work) -> dict[str, Any]:
        self.ran.append(server)
        return {"came": 3}


@override_settings(IMPORT_STEPS=["tests.registry.test_tracking_import.Steps"])
def test_higher_apps_bring_their_own_along(server: MemoryTracking, root: Actor) -> None:
    assert bring(root, dry_run=True).report["steps"] == {"Songs": {"would": 3}}
    assert not Steps.ran
    assert bring(root).report["steps"] == {"Songs": {"came": 3}}


def test_the_command_reports_and_imports(server: MemoryTracking, root: Actor) -> None:
    ProjectFactory(slug="tides")
    said = StringIO()
    call_command("import_mlflow", "--project", "tides", stdout=said)
    report, _, last = said.getvalue().rpartition("}\n")
    assert orjson.loads(report + "}")["projects"] == {"tides": 12}
    assert "nothing was changed" in last
    call_command("import_mlflow", "--project", "tides", "--apply", stdout=StringIO())
    assert ModelVersion.objects.count() == 12
    assert not TrackedVersion.objects.filter(state=MirrorState.INBOX).exists()


@pytest.mark.parametrize(
    "arguments", [["--project", "absent"], ["--server", "absent"], ["--user", "absent"]]
)
def test_the_command_says_what_is_unknown(arguments: list[str], root: Actor) -> None:
    with pytest.raises(CommandError):
        call_command("import_mlflow", *arguments)
