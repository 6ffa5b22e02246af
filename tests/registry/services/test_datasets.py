import hashlib

import pytest
from pytest_django import Settings

from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event, Job
from hokusai.storage import stores
from registry import services
from registry.choices import Access, DatasetState
from registry.models import Dataset, DatasetVersion
from tests.factories import DatasetFactory, DatasetVersionFactory, ModelVersionFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ROWS = b"x,label\n1.5,0\n2.5,1\n"


def add(dataset: Dataset, actor: Actor, **fields: object) -> DatasetVersion:
    return services.add_dataset_version(
        **{"dataset": dataset, "content": ROWS, "file_format": "csv", "actor": actor, **fields}
    )


def test_a_dataset_is_made_once(project: Project, actor: Actor) -> None:
    dataset = services.create_dataset(project=project, slug="rows", name="Rows", actor=actor)
    assert Event.objects.of(dataset.public_id).get().tag == "dataset:created"
    with pytest.raises(Conflict):
        services.create_dataset(project=project, slug="rows", name="Rows", actor=actor)


def test_a_table_is_kept_and_waits_for_a_worker(project: Project, actor: Actor) -> None:
    version = add(DatasetFactory(project=project), actor, label_column="label")
    assert (version.number, version.state) == (1, DatasetState.RECEIVED)
    assert version.file_digest == hashlib.sha256(ROWS).hexdigest()
    assert stores["default"].get(version.file_digest) == ROWS
    assert Job.objects.get(subject=version.public_id).kind == "dataset_intake"
    event = Event.objects.of(version.public_id).get()
    assert (event.tag, event.after["file_digest"]) == ("dataset-version:added", version.file_digest)


@pytest.mark.django_db(transaction=True)
def test_tables_added_at_the_same_time_are_numbered_apart(project: Project, actor: Actor) -> None:
    dataset = DatasetFactory(project=project)
    made = race(*[lambda: add(dataset, actor)] * 3)
    assert sorted(version.number for version in made) == [1, 2, 3]


@pytest.mark.parametrize(
    "fields", [{"file_format": "xlsx"}, {"file_format": "CSV"}, {"content": b""}]
)
def test_what_is_no_table_is_refused(fields: dict[str, object], actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        add(DatasetFactory(), actor, **fields)
    assert not DatasetVersion.objects.exists()


def test_a_file_beyond_the_limit_is_refused(actor: Actor, settings: Settings) -> None:
    settings.MAX_TABLE_BYTES = len(ROWS)
    dataset = DatasetFactory()
    add(dataset, actor)
    with pytest.raises(InvalidInput, match="larger"):
        add(dataset, actor, content=ROWS + b"\n")


def test_data_is_given_by_a_person() -> None:
    with pytest.raises(Forbidden):
        add(DatasetFactory(), SYSTEM)


def test_a_name_as_long_as_allowed_can_have_versions(actor: Actor) -> None:
    version = add(DatasetFactory(name="n" * 200), actor)
    assert len(Job.objects.get(subject=version.public_id).subject_label) == 200


def test_sealed_rows_stay_sealed() -> None:
    version = DatasetVersionFactory()
    services.seal_for_stewards(dataset_version_id=version.pk)
    services.seal_for_stewards(dataset_version_id=version.pk)
    version.refresh_from_db()
    assert version.access == Access.STEWARDS


def test_rows_that_served_training_cannot_be_sealed() -> None:
    version = DatasetVersionFactory()
    ModelVersionFactory().training_data.add(version)
    with pytest.raises(Conflict):
        services.seal_for_stewards(dataset_version_id=version.pk)


@pytest.mark.django_db(transaction=True)
def test_rows_are_never_sealed_and_trained_on_at_the_same_time(
    project: Project, actor: Actor
) -> None:
    data = DatasetVersionFactory(dataset__project=project)
    for _ in range(3):
        DatasetVersion.objects.update(access=Access.MEMBERS)
        data.trained.clear()
        outcomes = race(
            lambda: services.seal_for_stewards(dataset_version_id=data.pk),
            lambda: services.register_version(
                project=project,
                slug="digits",
                source="models:/fraud/1",
                actor=actor,
                training_data=[data.public_id],
            ),
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert [type(error) for error in failed] in ([Conflict], [InvalidInput])
