import math
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, DomainError, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Delivery, Event, Job
from hokusai.tracking.memory import MemoryTracking
from registry import services
from registry.choices import Access, ArtifactState, EdgeKind, SyncState
from registry.exceptions import ArtifactRefused
from registry.models import LineageEdge, Model, ModelVersion
from tests.factories import (
    ContributionFactory,
    DatasetVersionFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    VersionTagFactory,
)
from tests.racing import race
from tests.registry.conftest import Doorbell

pytestmark = pytest.mark.django_db
RUN = "0123456789abcdef0123456789abcdef"
SOURCE = f"runs:/{RUN}/model"
_PATHS = count()


def register(project: Project, by: Actor, **fields: object) -> ModelVersion:
    """Registers another model of the run, unless the fields name a source."""
    source = f"runs:/{RUN}/model{next(_PATHS)}"
    return services.register_version(
        **{"project": project, "slug": "digits", "source": source, "actor": by, **fields}
    )


def test_a_source_registered_before_is_a_conflict_that_names_the_version(
    project: Project, actor: Actor
) -> None:
    first = register(project, actor, source=SOURCE)
    with pytest.raises(Conflict) as caught:
        register(project, actor, source=SOURCE)
    assert caught.value.context == {"id": first.public_id, "number": 1}
    assert ModelVersion.objects.count() == 1


def test_the_same_source_on_another_parent_or_model_is_another_version(
    project: Project, actor: Actor
) -> None:
    first = register(project, actor, source=SOURCE)
    assert register(project, actor, source=SOURCE, parent=first).number == 2
    assert register(project, actor, source=SOURCE, slug="other").number == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_registrations_of_one_source_at_the_same_time_one_is_made(
    project: Project, actor: Actor
) -> None:
    made = race(*[lambda: register(project, actor, source=SOURCE)] * 2)
    assert sorted(type(outcome).__name__ for outcome in made) == ["Conflict", "ModelVersion"]


def test_the_first_version_makes_its_model(project: Project, engineer: User, actor: Actor) -> None:
    version = register(project, actor, name="Digits", metrics={"accuracy": 0.9}, tags={"a": "b"})
    assert (version.number, version.model.name) == (1, "Digits")
    assert version.model.model_id == f"{project.slug}.digits"
    assert (version.artifact_state, version.sync_state) == ("pending", "pending")
    assert (version.run_id, version.registered_by) == (RUN, engineer)
    assert dict(version.tags.values_list("key", "value")) == {"a": "b"}
    assert list(Event.objects.order_by("id").values_list("tag", flat=True)) == [
        "model:created",
        "version:registered",
    ]


def test_later_versions_are_numbered_on_within_their_model(project: Project, actor: Actor) -> None:
    numbers = [register(project, actor, slug=slug).number for slug in ("a", "a", "b", "a")]
    assert numbers == [1, 2, 1, 3]
    assert Event.objects.filter(tag="model:created").count() == 2


@pytest.mark.django_db(transaction=True)
def test_registrations_at_the_same_time_get_numbers_1_and_2(project: Project, actor: Actor) -> None:
    made = race(*[lambda: register(project, actor)] * 2)
    assert sorted(version.number for version in made) == [1, 2]
    assert Model.objects.count() == 1
    assert Event.objects.filter(tag="model:created").count() == 1


@pytest.mark.django_db(transaction=True)
def test_registering_answers_while_mlflow_is_down(
    project: Project, actor: Actor, mlflow: MemoryTracking, doorbell: Doorbell
) -> None:
    mlflow.down = True
    version = register(project, actor)
    assert version.sync_state == SyncState.PENDING
    job = Job.objects.get(subject=version.public_id)
    assert doorbell.of("core.run_job") == [job.pk]
    streams = Delivery.objects.filter(event__subject=version.public_id).values_list("stream")
    assert sorted(doorbell.of("core.deliver")) == sorted(stream for (stream,) in streams)


@pytest.mark.django_db(transaction=True)
def test_a_registration_that_fails_leaves_nothing(project: Project, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        register(project, actor, training_data=["dsv_unknown"])
    assert not Model.objects.exists()
    assert not Event.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        f"runs:/{RUN}/models/best one",
        f"models:/m-{RUN}",
        "models:/fraud/3",
        "models:/Fraud detection/12",
    ],
)
def test_a_source_that_names_one_artifact_for_good_is_taken(
    source: str, project: Project, actor: Actor
) -> None:
    assert register(project, actor, source=source).source == source


@pytest.mark.parametrize(
    "source",
    [
        "models:/fraud@champion",
        "models:/fraud/Production",
        "models:/fraud/latest",
        "models:/fraud/0",
        "file:///etc/passwd",
        "/etc/passwd",
        "http://example.org/model",
        "https://example.org/model",
        "s3://bucket/model",
        "mlflow-artifacts:/1/model",
        "runs:/short/model",
        f"runs:/{RUN}/",
        f"runs:/{RUN}",
        SOURCE + "\n",
        "",
    ],
)
def test_any_other_source_is_refused(source: str, project: Project, actor: Actor) -> None:
    with pytest.raises(ArtifactRefused):
        register(project, actor, source=source)


def test_a_version_is_not_copied_from_another_projects_model(
    project: Project, actor: Actor
) -> None:
    own = f"models:/{project.slug}.other/1"
    assert register(project, actor, source=own).source == own
    with pytest.raises(ArtifactRefused):
        register(project, actor, source=f"models:/{ProjectFactory().slug}.secret/1")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"slug": "Not A Slug"}, InvalidInput),
        ({"slug": "digits\n"}, InvalidInput),
        ({"tags": {"hokusai.stage": "production"}}, InvalidInput),
        ({"metrics": {"loss": math.nan}}, InvalidInput),
        ({"actor": SYSTEM}, Forbidden),
    ],
)
def test_what_breaks_a_rule_is_refused(
    fields: dict[str, object], error: type[DomainError], project: Project, actor: Actor
) -> None:
    with pytest.raises(error):
        register(project, actor, **fields)


def test_a_parent_in_another_project_is_refused(project: Project, actor: Actor) -> None:
    with pytest.raises(Forbidden):
        register(project, actor, parent=ModelVersionFactory())


def test_a_version_may_have_a_parent_in_another_model_of_its_project(
    project: Project, actor: Actor
) -> None:
    parent = ModelVersionFactory(model__project=project)
    assert register(project, actor, parent=parent).parent == parent


def test_a_version_is_linked_to_what_it_came_from(project: Project, actor: Actor) -> None:
    parent = ModelVersionFactory(model__project=project)
    data = DatasetVersionFactory(dataset__project=project)
    version = register(project, actor, parent=parent, training_data=[data.public_id])
    edges = LineageEdge.objects.filter(dst__public_id=version.public_id)
    assert set(edges.values_list("src__public_id", "kind")) == {
        (parent.public_id, EdgeKind.PARENT),
        (f"run_{RUN}", EdgeKind.PRODUCED_BY),
        (data.public_id, EdgeKind.TRAINED_ON),
    }
    assert list(version.training_data.all()) == [data]


def test_rows_of_a_benchmark_never_serve_training(project: Project, actor: Actor) -> None:
    data = DatasetVersionFactory(dataset__project=project, access=Access.STEWARDS)
    with pytest.raises(InvalidInput, match="benchmark"):
        register(project, actor, training_data=[data.public_id])


def test_a_contribution_may_be_named_as_training_data(project: Project, actor: Actor) -> None:
    given = ContributionFactory(model__project=project, status="accepted")
    version = register(project, actor, training_data=[given.public_id])
    assert list(version.training_data.all()) == [given.dataset_version]


def test_a_model_is_made_once(project: Project, actor: Actor) -> None:
    made = services.create_model(project=project, slug="digits", name="Digits", actor=actor)
    assert made.model_id == f"{project.slug}.digits"
    with pytest.raises(Conflict):
        services.create_model(project=project, slug="digits", name="Other", actor=actor)


def test_tags_are_set_and_others_stay(actor: Actor) -> None:
    version = ModelVersionFactory()
    VersionTagFactory(version=version, key="a", value="1")
    VersionTagFactory(version=version, key="b", value="1")
    services.set_tags(version_id=version.pk, tags={"a": "2", "c": "3"}, actor=actor)
    assert dict(version.tags.values_list("key", "value")) == {"a": "2", "b": "1", "c": "3"}
    event = Event.objects.get(tag="version:tagged")
    assert (event.before, event.after) == ({"a": "1"}, {"a": "2", "c": "3"})


def test_the_platforms_own_tags_are_its_own(actor: Actor) -> None:
    version = ModelVersionFactory()
    with pytest.raises(InvalidInput):
        services.set_tags(version_id=version.pk, tags={"hokusai.x": "1"}, actor=actor)
    services.state_facts(version_id=version.pk, facts={"x": "1"})
    assert version.tags.get().key == "hokusai.x"


def test_the_head_moves_only_from_the_version_that_was_expected() -> None:
    model = ModelFactory()
    first, second, third = (ModelVersionFactory(model=model) for _ in range(3))
    services.set_head(model_id=model.pk, expected=first, head=second)
    with pytest.raises(Conflict):
        services.set_head(model_id=model.pk, expected=first, head=third)
    model.refresh_from_db()
    assert model.head == second


@pytest.mark.django_db(transaction=True)
def test_of_two_improvements_over_one_head_one_wins() -> None:
    model = ModelFactory()
    first, second, third = (ModelVersionFactory(model=model) for _ in range(3))
    services.set_head(model_id=model.pk, expected=first, head=first)
    outcomes = race(
        lambda: services.set_head(model_id=model.pk, expected=first, head=second),
        lambda: services.set_head(model_id=model.pk, expected=first, head=third),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "NoneType"]


def test_a_failed_copy_is_tried_again(actor: Actor) -> None:
    version = ModelVersionFactory(artifact_state=ArtifactState.FAILED, tree_digest="")
    services.retry_artifact(version_id=version.pk, actor=actor)
    version.refresh_from_db()
    assert version.artifact_state == ArtifactState.COPYING
    assert Job.objects.get(subject=version.public_id).kind == "artifact_copy"


@pytest.mark.parametrize("state", ["pending", "copying", "ready"])
def test_a_copy_that_did_not_fail_is_not_repeated(state: str, actor: Actor) -> None:
    version = ModelVersionFactory(artifact_state=state)
    with pytest.raises(Conflict):
        services.retry_artifact(version_id=version.pk, actor=actor)


def test_more_tags_cost_no_more_queries(project: Project, actor: Actor) -> None:
    register(project, actor)
    counts = []
    for size in (1, 40):
        with CaptureQueriesContext(connection) as queries:
            register(project, actor, tags={f"key{number}": "v" for number in range(size)})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_key_registers_for_its_owner(project: Project, engineer: User) -> None:
    actor = actor_of(engineer)
    assert register(project, actor).registered_by == engineer
