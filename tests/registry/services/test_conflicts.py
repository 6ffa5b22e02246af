import pytest

from hokusai.accounts.services import actor_of
from hokusai.core import outbox
from hokusai.core.errors import Conflict, InvalidTransition
from hokusai.core.events import SYSTEM, Actor
from hokusai.tracking.memory import MemoryTracking
from registry import services
from registry.choices import SYNC_SUBSCRIBER, SyncState
from registry.models import ModelVersion
from registry.sync import push_version
from tests.factories import ModelVersionFactory, SyncConflictFactory, UserFactory, VersionTagFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Actor:
    return actor_of(UserFactory())


@pytest.fixture
def torn(mlflow: MemoryTracking) -> ModelVersion:
    """A version whose description both sides changed; theirs stands for now."""
    version = ModelVersionFactory(description="First.")
    push_version(version.public_id)
    mlflow.server.describe(version.model.model_id, "1", "Theirs.")
    ModelVersion.objects.filter(pk=version.pk).update(description="Ours.")
    push_version(version.public_id)
    version.refresh_from_db()
    return version


def there(mlflow: MemoryTracking, version: ModelVersion) -> str:
    (found,) = mlflow.versions[version.model.model_id]
    return found.description


@pytest.mark.parametrize(("choice", "stands"), [("ours", "Ours."), ("theirs", "Theirs.")])
def test_the_chosen_value_stands_on_both_sides(
    choice: str, stands: str, torn: ModelVersion, mlflow: MemoryTracking, person: Actor
) -> None:
    services.resolve_conflict(conflict_id=torn.conflicts.get().pk, choice=choice, actor=person)
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{torn.public_id}")
    torn.refresh_from_db()
    assert (torn.description, there(mlflow, torn)) == (stands, stands)
    assert torn.sync_state == SyncState.SYNCED
    assert torn.conflicts.get().state == choice


def test_a_tag_that_was_absent_here_is_taken_away_again(person: Actor) -> None:
    version = ModelVersionFactory()
    VersionTagFactory(version=version, key="team", value="theirs")
    values = {"base": "a", "ours": None, "theirs": "theirs"}
    row = SyncConflictFactory(version=version, field="tag:team", values=values)
    services.resolve_conflict(conflict_id=row.pk, choice="ours", actor=person)
    assert not version.tags.exists()


def test_a_conflict_is_decided_once(person: Actor) -> None:
    row = SyncConflictFactory()
    services.resolve_conflict(conflict_id=row.pk, choice="theirs", actor=person)
    with pytest.raises(InvalidTransition):
        services.resolve_conflict(conflict_id=row.pk, choice="ours", actor=person)


@pytest.mark.parametrize("field", ["alias:production", "tag:hokusai.stage"])
def test_stages_are_never_theirs(field: str, person: Actor) -> None:
    row = SyncConflictFactory(field=field)
    with pytest.raises(Conflict):
        services.resolve_conflict(conflict_id=row.pk, choice="theirs", actor=person)


def test_a_person_decides() -> None:
    with pytest.raises(Exception, match="by a person"):
        services.resolve_conflict(conflict_id=SyncConflictFactory().pk, choice="ours", actor=SYSTEM)
