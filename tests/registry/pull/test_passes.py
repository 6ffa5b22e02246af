from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core import jobs, outbox
from hokusai.core.choices import WorkStatus
from hokusai.core.events import Actor
from hokusai.core.models import Event, Job
from hokusai.tracking import TrackingUnavailable
from hokusai.tracking.memory import MemoryTracking
from registry import services
from registry.choices import SYNC_SUBSCRIBER, MirrorState, PassKind, SyncState
from registry.models import (
    Model,
    ModelVersion,
    SyncPass,
    TrackedExperiment,
    TrackedModel,
    TrackedVersion,
)
from registry.sync import push_version
from tests.factories import ModelVersionFactory, ProjectFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
Ask = Callable[..., bool]


def look(ask: Ask = services.request_sweep) -> Job:
    """Ask for a look and run it as a worker would."""
    ask(server="default")
    job = Job.objects.unfinished().filter(kind__in=("mlflow_sweep", "mlflow_reconcile")).get()
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


def sweep() -> SyncPass:
    assert look().status == WorkStatus.SUCCEEDED
    return SyncPass.objects.filter(kind=PassKind.FULL).latest("pk")


def reconcile() -> SyncPass:
    assert look(services.request_reconcile).status == WorkStatus.SUCCEEDED
    return SyncPass.objects.filter(kind=PassKind.INCREMENTAL).latest("pk")


def map_to(project: Project, experiment_id: str) -> None:
    """Let an experiment belong to a project before anything of it was seen."""
    TrackedExperiment.objects.create(
        experiment_id=experiment_id, name="x", project=project, mapped_by=SuperuserFactory()
    )


@pytest.fixture
def experiment(mlflow: MemoryTracking) -> str:
    return mlflow.server.make_experiment("churn")


def registered(mlflow: MemoryTracking, experiment: str, name: str = "churn") -> str:
    """A version as plain `mlflow.register_model` makes it; its run's id."""
    run_id = mlflow.server.log_run(
        experiment, metrics={"accuracy": 0.9, "odd": float("nan")}, parameters={"C": "1"}
    )
    mlflow.server.register(name, f"runs:/{run_id}/model", run_id, tags={"team": "risk"})
    return run_id


def test_a_version_nobody_mapped_waits_in_the_inbox(
    mlflow: MemoryTracking, experiment: str
) -> None:
    run_id = registered(mlflow, experiment)
    sweep()
    tracked = TrackedVersion.objects.get()
    assert (tracked.name, tracked.number, tracked.state) == ("churn", 1, MirrorState.INBOX)
    assert (tracked.run_id, tracked.metrics) == (run_id, {"accuracy": 0.9})
    assert tracked.experiment is not None
    assert tracked.experiment.name == "churn"
    assert not ModelVersion.objects.exists()


def test_a_version_of_a_mapped_experiment_appears_in_its_project(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    sweep()
    services.map_experiment(
        experiment_id=TrackedExperiment.objects.get().pk,
        project=project,
        actor=actor_of_superuser(),
    )
    look(services.request_reconcile)
    run_id = registered(mlflow, experiment)
    reconcile()
    version = ModelVersion.objects.get()
    assert (version.project, version.model.slug, version.number) == (project, "churn", 1)
    assert (version.origin, version.run_id) == ("pulled", run_id)
    assert (version.metrics, version.parameters) == ({"accuracy": 0.9}, {"C": "1"})
    assert dict(version.tags.values_list("key", "value")) == {"team": "risk"}
    assert dict(version.scores.values_list("key", "value")) == {"accuracy": 0.9}
    assert version.source == "models:/churn/1"
    assert Job.objects.filter(kind="artifact_copy", subject=version.public_id).exists()
    assert Event.objects.filter(tag="version:registered", subject=version.public_id).exists()


def actor_of_superuser() -> Actor:
    return actor_of(SuperuserFactory())


def test_mapping_takes_the_inbox_along(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    registered(mlflow, experiment)
    registered(mlflow, experiment)
    sweep()
    services.map_experiment(
        experiment_id=TrackedExperiment.objects.get().pk,
        project=project,
        actor=actor_of_superuser(),
    )
    look(services.request_reconcile)
    assert [v.number for v in ModelVersion.objects.order_by("pk")] == [1, 2]
    assert not TrackedVersion.objects.filter(state=MirrorState.INBOX).exists()


def test_a_name_like_ours_puts_nothing_into_a_project(
    mlflow: MemoryTracking, experiment: str
) -> None:
    version = ModelVersionFactory()
    registered(mlflow, experiment, name=version.model.model_id)
    sweep()
    assert version.model.versions.count() == 1
    assert TrackedVersion.objects.get().state == MirrorState.INBOX


def test_a_push_that_is_under_way_is_not_taken_for_a_strangers(
    mlflow: MemoryTracking, project: Project, experiment: str
) -> None:
    """The server committed our version, and we have not heard of it yet."""
    map_to(project, experiment)
    version = ModelVersionFactory(project=project)
    run_id = mlflow.server.log_run(experiment)
    mlflow.server.register(
        version.model.model_id, version.source, run_id, tags={"hokusai.op": version.public_id}
    )
    sweep()
    assert ModelVersion.objects.count() == 1
    push_version(version.public_id)
    assert TrackedVersion.objects.get().version == version


def test_late_duplicates_of_a_push_are_listed(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    tags = {"hokusai.op": version.public_id}
    mlflow.server.register(version.model.model_id, version.source, tags=tags)
    sweep()
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")
    version.refresh_from_db()
    assert version.mlflow_note == "MLflow also holds 2 of this operation."


def test_tags_that_changed_there_come_with_the_sweep(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    mlflow.server.tag_version(version.model.model_id, "1", owner="ann")
    found = sweep()
    assert found.report["changed"] == 1
    assert outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}") == 1
    assert version.tags.get().value == "ann"
    assert sweep().report["changed"] == 0


def test_our_own_writes_are_no_change(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    assert sweep().report["changed"] == 0
    assert reconcile().report["changed"] == 0
    assert not Event.objects.filter(tag="tracked-version:changed").exists()


def test_an_alias_that_was_moved_there_is_noticed(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory(stage="production")
    push_version(version.public_id)
    sweep()
    mlflow.server.drop_alias(version.model.model_id, "production")
    assert sweep().report["changed"] == 1
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")
    assert mlflow.aliases[version.model.model_id, "production"] == "1"
    assert version.conflicts.get().field == "alias:production"


def test_a_description_of_a_model_is_adopted(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    sweep()
    mlflow.server.describe_model(version.model.model_id, "Who leaves.")
    reconcile()
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.model.public_id}")
    version.model.refresh_from_db()
    assert version.model.description == "Who leaves."


def test_what_two_complete_sweeps_miss_is_missing_and_stays(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    mlflow.server.delete_version(version.model.model_id, "1")
    sweep()
    assert TrackedVersion.objects.get().missing_since is None
    sweep()
    assert TrackedVersion.objects.get().missing_since is not None
    assert Event.objects.filter(tag="tracked-version:missing").count() == 1
    sweep()
    assert Event.objects.filter(tag="tracked-version:missing").count() == 1
    assert ModelVersion.objects.filter(pk=version.pk).exists()


def test_what_comes_back_is_missing_no_more(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    kept = mlflow.server
    mlflow.come_back_empty()
    sweep()
    found = sweep()
    assert found.report["came_back_empty"] is True
    assert TrackedVersion.objects.get().missing_since is not None
    mlflow.server = kept
    sweep()
    assert TrackedVersion.objects.get().missing_since is None
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")
    version.refresh_from_db()
    assert version.sync_state == SyncState.SYNCED


def test_a_sweep_that_ends_early_counts_for_nothing(
    mlflow: MemoryTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    sweep()

    def fail(**arguments: object) -> None:
        raise TrackingUnavailable("It went away.")

    mlflow.server.delete_version(version.model.model_id, "1")
    with monkeypatch.context() as patch:
        patch.setattr(mlflow, "list_versions", fail)
        assert look().status == WorkStatus.QUEUED
    tracked = TrackedVersion.objects.get()
    assert (tracked.missed, tracked.missing_since) == (0, None)
    assert not SyncPass.objects.latest("pk").complete
    jobs.run(Job.objects.unfinished().get(kind="mlflow_sweep").pk)


def test_what_is_made_while_a_sweep_reads_is_not_missed_by_it(
    mlflow: MemoryTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mlflow.list_versions
    version = ModelVersionFactory()

    def meanwhile(**arguments: object) -> object:
        page = real(**arguments)  # type: ignore[arg-type]
        push_version(version.public_id)
        return page

    monkeypatch.setattr(mlflow, "list_versions", meanwhile)
    sweep()
    assert TrackedVersion.objects.get().missed == 0


def test_a_renamed_model_stays_the_same_versions(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    mlflow.server.rename_model(version.model.model_id, "renamed")
    sweep()
    version.refresh_from_db()
    assert (version.mlflow_name, TrackedVersion.objects.get().name) == ("renamed", "renamed")
    assert TrackedModel.objects.get(model=version.model).name == "renamed"


def test_an_experiment_made_anew_under_an_old_id_inherits_no_mapping(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    sweep()
    row = TrackedExperiment.objects.get()
    services.map_experiment(experiment_id=row.pk, project=project, actor=actor_of_superuser())
    TrackedExperiment.objects.update(created_at=timezone.now() - timedelta(days=1))
    registered(mlflow, experiment)
    look(services.request_reconcile)
    assert sweep().report["remade_experiments"] == ["churn"]
    assert TrackedVersion.objects.get().state == MirrorState.INBOX
    assert not ModelVersion.objects.exists()


def test_names_in_other_alphabets_become_models_of_their_own(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    for name in ("churn", "Churn", "отток", "流失"):
        registered(mlflow, experiment, name=name)
    sweep()
    services.assign_tracked(
        tracked_ids=list(TrackedVersion.objects.values_list("pk", flat=True)),
        project=project,
        actor=actor_of_superuser(),
    )
    models = dict(Model.objects.values_list("name", "slug"))
    assert sorted(models.values())[0] == "churn"
    assert len(set(models.values())) == 4
    assert all(slug.isascii() for slug in models.values())


def test_one_name_in_two_projects_is_two_models(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    registered(mlflow, experiment)
    registered(mlflow, experiment)
    sweep()
    first, second = TrackedVersion.objects.order_by("number")
    actor = actor_of_superuser()
    services.assign_tracked(tracked_ids=[first.pk], project=project, actor=actor)
    services.assign_tracked(tracked_ids=[second.pk], project=ProjectFactory(), actor=actor)
    assert Model.objects.count() == 2
    assert TrackedModel.objects.get().model == ModelVersion.objects.get(tracked=first).model


def test_an_alias_from_before_the_import_is_left_alone(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    registered(mlflow, experiment)
    mlflow.server.point_alias("churn", "production", "1")
    sweep()
    services.assign_tracked(
        tracked_ids=[TrackedVersion.objects.get().pk], project=project, actor=actor_of_superuser()
    )
    version = ModelVersion.objects.get()
    push_version(version.public_id)
    assert mlflow.aliases["churn", "production"] == "1"
    assert mlflow.aliases["churn", "hokusai-1"] == "1"
    assert not version.conflicts.exists()


def test_a_model_made_anew_counts_from_one_without_being_the_old_one(
    mlflow: MemoryTracking, experiment: str, project: Project
) -> None:
    registered(mlflow, experiment)
    sweep()
    mlflow.server.delete_model("churn")
    registered(mlflow, experiment)
    sweep()
    assert TrackedVersion.objects.filter(name="churn", number=1).count() == 2


def test_while_a_look_is_under_way_no_second_is_asked_for() -> None:
    assert services.request_sweeps() == 1
    assert services.request_sweeps() == 0


def test_what_was_renamed_or_deleted_never_deletes_here(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    push_version(version.public_id)
    mlflow.come_back_empty()
    for _ in range(3):
        sweep()
    assert ModelVersion.objects.count() == TrackedVersion.objects.count() == 1
