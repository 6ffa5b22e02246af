from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from hokusai.core.errors import DomainError
from hokusai.core.models import Event
from hokusai.storage import stores
from hokusai.tracking import TrackingRefused, TrackingUnavailable, VersionPush, VersionRecord
from hokusai.tracking.base import OPERATION_TAG
from hokusai.tracking.memory import MemoryTracking
from registry.choices import Stage, SyncState
from registry.models import ModelVersion, SyncConflict, TrackedVersion
from registry.sync import push_version
from registry.sync.locks import Busy
from tests.factories import (
    ModelFactory,
    ModelVersionFactory,
    TrackedModelFactory,
    VersionTagFactory,
)
from tests.registry.stages import enter

pytestmark = pytest.mark.django_db


def pushed(**fields: object) -> ModelVersion:
    version = ModelVersionFactory(**fields)
    push_version(version.public_id)
    version.refresh_from_db()
    return version


def name_of(version: ModelVersion) -> str:
    return version.model.model_id


def there(mlflow: MemoryTracking, version: ModelVersion) -> VersionRecord:
    (found,) = mlflow.versions[name_of(version)]
    return found


@contextmanager
def connected_elsewhere() -> Iterator[psycopg.Cursor[Any]]:
    """Another worker's connection to the same database."""
    given = connection.get_connection_params()
    wanted = {name: given[name] for name in ("dbname", "user", "password", "host", "port")}
    with psycopg.connect(**wanted) as other:
        yield other.cursor()


def test_a_version_is_shown_under_its_own_number(mlflow: MemoryTracking) -> None:
    version = pushed(number=7)
    (found,) = mlflow.versions[name_of(version)]
    assert (version.sync_state, version.mlflow_note) == (SyncState.SYNCED, "")
    assert (version.mlflow_name, version.mlflow_version) == (found.name, found.version)
    assert found.tags[OPERATION_TAG] == version.public_id
    assert found.tags["hokusai.version"] == "7"
    assert found.tags["hokusai.digest"] == version.tree_digest
    assert mlflow.aliases == {(found.name, "hokusai-7"): found.version}
    assert mlflow.models[found.name] == {"hokusai.model": version.model.public_id}


def test_pushing_twice_adds_nothing(mlflow: MemoryTracking) -> None:
    version = pushed()
    push_version(version.public_id)
    assert len(mlflow.versions[name_of(version)]) == 1


def test_tags_and_stage_follow(mlflow: MemoryTracking) -> None:
    version = pushed()
    VersionTagFactory(version=version, key="team", value="vision")
    enter(version, Stage.STAGING)
    push_version(version.public_id)
    (found,) = mlflow.versions[name_of(version)]
    assert (found.tags["team"], found.tags["hokusai.stage"]) == ("vision", "staging")


def test_of_duplicates_the_lowest_is_adopted_and_the_rest_noted(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    mlflow.ensure_model(name_of(version), {})
    for operation in ("mdv_other", version.public_id, version.public_id, version.public_id):
        mlflow.create_version(VersionPush(name_of(version), "s3://x", "", operation))
    push_version(version.public_id)
    version.refresh_from_db()
    assert (version.sync_state, version.mlflow_version) == (SyncState.SYNCED, "2")
    assert version.mlflow_note == "MLflow also holds 3, 4 of this operation."
    assert len(mlflow.versions[name_of(version)]) == 4


def test_a_create_whose_answer_was_lost_is_adopted_by_the_repeat(
    mlflow: MemoryTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mlflow.create_version

    def lost(push: VersionPush) -> None:
        real(push)
        raise TrackingUnavailable("The answer was lost.")

    version = ModelVersionFactory()
    with monkeypatch.context() as patch:
        patch.setattr(mlflow, "create_version", lost)
        with pytest.raises(TrackingUnavailable):
            push_version(version.public_id)
    push_version(version.public_id)
    assert len(mlflow.versions[name_of(version)]) == 1


def test_an_outage_leaves_the_version_pending(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory()
    mlflow.down = True
    with pytest.raises(TrackingUnavailable):
        push_version(version.public_id)
    version.refresh_from_db()
    assert version.sync_state == SyncState.PENDING


def test_a_refusal_is_shown_as_a_conflict(
    mlflow: MemoryTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(push: VersionPush) -> None:
        raise TrackingRefused("Invalid source.")

    monkeypatch.setattr(mlflow, "create_version", refuse)
    version = ModelVersionFactory()
    with pytest.raises(DomainError):
        push_version(version.public_id)
    version.refresh_from_db()
    assert (version.sync_state, version.mlflow_note) == (SyncState.CONFLICT, "Invalid source.")


def _old_first(old: ModelVersion, new: ModelVersion) -> tuple[ModelVersion, ModelVersion]:
    return old, new


def _new_first(old: ModelVersion, new: ModelVersion) -> tuple[ModelVersion, ModelVersion]:
    return new, old


@pytest.mark.parametrize("order", [_old_first, _new_first])
def test_the_production_alias_ends_at_the_version_in_production(
    order: Callable[..., tuple[ModelVersion, ModelVersion]], mlflow: MemoryTracking
) -> None:
    old = pushed(stage=Stage.PRODUCTION)
    enter(old, Stage.ARCHIVED)
    new = ModelVersionFactory(model=old.model, stage=Stage.PRODUCTION)
    for version in order(old, new):
        push_version(version.public_id)
    new.refresh_from_db()
    assert mlflow.aliases[name_of(old), "production"] == new.mlflow_version


def test_the_production_alias_goes_with_the_last_production_version(
    mlflow: MemoryTracking,
) -> None:
    version = pushed(stage=Stage.PRODUCTION)
    assert (name_of(version), "production") in mlflow.aliases
    enter(version, Stage.ARCHIVED)
    push_version(version.public_id)
    assert (name_of(version), "production") not in mlflow.aliases


def test_a_second_push_writes_nothing(
    mlflow: MemoryTracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = pushed(description="First.")
    VersionTagFactory(version=version, key="team", value="vision")
    push_version(version.public_id)

    def written(*arguments: object) -> None:
        pytest.fail(f"{arguments} was written")

    for name in ("set_version_tags", "set_description", "set_alias", "delete_alias"):
        monkeypatch.setattr(mlflow, name, written)
    push_version(version.public_id)


def test_what_was_removed_here_is_removed_there(mlflow: MemoryTracking) -> None:
    version = pushed()
    tag = VersionTagFactory(version=version, key="team", value="vision")
    push_version(version.public_id)
    tag.delete()
    push_version(version.public_id)
    assert "team" not in there(mlflow, version).tags


def test_what_changed_there_alone_is_adopted_here(mlflow: MemoryTracking) -> None:
    version = pushed(description="First.")
    VersionTagFactory(version=version, key="team", value="vision")
    push_version(version.public_id)
    version.refresh_from_db()
    name, number = version.mlflow_name, version.mlflow_version
    mlflow.server.describe(name, number, "Better.")
    mlflow.server.tag_version(name, number, owner="ann")
    mlflow.server.delete_tag(name, number, "team")
    push_version(version.public_id)
    version.refresh_from_db()
    assert version.description == "Better."
    assert dict(version.tags.values_list("key", "value")) == {"owner": "ann"}
    assert version.sync_state == SyncState.SYNCED
    assert not version.conflicts.exists()
    (event,) = Event.objects.filter(tag="version:changed-in-mlflow")
    assert event.after["description"] == "Better."


def test_of_what_both_changed_theirs_stands_and_the_conflict_is_kept(
    mlflow: MemoryTracking,
) -> None:
    version = pushed(description="First.")
    mlflow.server.describe(name_of(version), "1", "Theirs.")
    ModelVersion.objects.filter(pk=version.pk).update(description="Ours.")
    push_version(version.public_id)
    version.refresh_from_db()
    (conflict,) = version.conflicts.all()
    assert (version.description, version.sync_state) == ("Theirs.", SyncState.CONFLICT)
    assert conflict.values == {"base": "First.", "ours": "Ours.", "theirs": "Theirs."}


def test_our_own_tags_are_put_back_and_the_change_is_recorded(mlflow: MemoryTracking) -> None:
    version = pushed()
    mlflow.server.tag_version(name_of(version), "1", **{"hokusai.stage": "production"})
    push_version(version.public_id)
    assert there(mlflow, version).tags["hokusai.stage"] == "none"
    (conflict,) = version.conflicts.all()
    assert conflict.field == "tag:hokusai.stage"
    assert conflict.values["theirs"] == "production"


def test_a_moved_alias_is_put_back_and_the_move_is_recorded(mlflow: MemoryTracking) -> None:
    version = pushed(stage=Stage.PRODUCTION)
    second = ModelVersionFactory(model=version.model)
    push_version(second.public_id)
    mlflow.server.point_alias(name_of(version), "production", "2")
    push_version(version.public_id)
    assert mlflow.aliases[name_of(version), "production"] == "1"
    (conflict,) = version.conflicts.all()
    assert conflict.values == {"base": "1", "ours": "1", "theirs": "2"}


def test_a_stage_alias_set_there_alone_is_taken_back(mlflow: MemoryTracking) -> None:
    version = pushed()
    mlflow.server.point_alias(name_of(version), "production", "1")
    push_version(version.public_id)
    assert (name_of(version), "production") not in mlflow.aliases
    assert version.conflicts.get().field == "alias:production"


def test_aliases_of_engineers_are_left_alone(mlflow: MemoryTracking) -> None:
    version = pushed()
    mlflow.server.point_alias(name_of(version), "champion", "1")
    push_version(version.public_id)
    assert mlflow.aliases[name_of(version), "champion"] == "1"
    assert not version.conflicts.exists()


def test_a_version_in_staging_is_named_by_the_alias(mlflow: MemoryTracking) -> None:
    version = pushed()
    enter(version, Stage.STAGING)
    push_version(version.public_id)
    assert mlflow.aliases[name_of(version), "staging"] == "1"
    enter(version, Stage.PRODUCTION)
    push_version(version.public_id)
    assert (name_of(version), "staging") not in mlflow.aliases
    assert mlflow.aliases[name_of(version), "production"] == "1"
    assert not version.conflicts.exists()


def test_promotion_moves_the_alias_without_a_conflict(mlflow: MemoryTracking) -> None:
    old = pushed(stage=Stage.PRODUCTION)
    new = pushed(model=old.model)
    enter(old, Stage.ARCHIVED)
    enter(new, Stage.PRODUCTION)
    for version in (new, old):
        push_version(version.public_id)
    assert mlflow.aliases[name_of(old), "production"] == "2"
    assert not SyncConflict.objects.exists()


def test_a_version_that_is_gone_there_is_not_made_again_by_itself(mlflow: MemoryTracking) -> None:
    version = pushed()
    mlflow.come_back_empty()
    push_version(version.public_id)
    version.refresh_from_db()
    assert version.sync_state == SyncState.CONFLICT
    assert "no longer holds" in version.mlflow_note
    assert not mlflow.versions


def test_a_person_may_have_it_made_again(mlflow: MemoryTracking) -> None:
    version = pushed()
    mlflow.come_back_empty()
    push_version(version.public_id, remake=True)
    version.refresh_from_db()
    assert (version.sync_state, len(mlflow.versions[name_of(version)])) == (SyncState.SYNCED, 1)
    assert TrackedVersion.objects.get().version == version


def test_a_version_made_anew_under_the_same_number_is_another_one(mlflow: MemoryTracking) -> None:
    version = pushed()
    TrackedVersion.objects.update(created_at=timezone.now() - timedelta(days=1))
    push_version(version.public_id)
    version.refresh_from_db()
    assert version.sync_state == SyncState.CONFLICT


def test_tags_that_do_not_fit_here_are_left_there(mlflow: MemoryTracking) -> None:
    version = pushed()
    mlflow.server.tag_version(name_of(version), "1", long="x" * 501, **{"k" * 101: "v", "a": "b"})
    push_version(version.public_id)
    assert dict(version.tags.values_list("key", "value")) == {"a": "b"}
    assert set(there(mlflow, version).tags) >= {"long", "k" * 101}


def test_a_tag_keeps_its_kind_where_the_text_is_of_that_kind(mlflow: MemoryTracking) -> None:
    version = pushed()
    VersionTagFactory(version=version, key="depth", value="3", kind="number", number=3)
    push_version(version.public_id)
    mlflow.server.tag_version(name_of(version), "1", depth="7")
    push_version(version.public_id)
    tag = version.tags.get()
    assert (tag.value, tag.kind, tag.number) == ("7", "number", 7.0)
    mlflow.server.tag_version(name_of(version), "1", depth="deep")
    push_version(version.public_id)
    tag = version.tags.get()
    assert (tag.value, tag.kind, tag.number) == ("deep", "text", None)


def test_uploaded_bytes_are_shown_once_they_are_here(mlflow: MemoryTracking) -> None:
    version = ModelVersionFactory(
        source=f"upload:/upl_{'0' * 32}", artifact_state="pending", tree_digest="", run_id=""
    )
    push_version(version.public_id)
    assert not mlflow.versions


def test_two_models_never_share_a_name_there(mlflow: MemoryTracking) -> None:
    foreign = ModelFactory()
    version = ModelVersionFactory()
    TrackedModelFactory(name=name_of(version), model=foreign)
    push_version(version.public_id)
    version.refresh_from_db()
    assert version.mlflow_name == f"{name_of(version)}.{version.model.public_id[-8:]}"


def test_a_model_that_another_worker_tells_of_waits() -> None:
    version = ModelVersionFactory()
    with connected_elsewhere() as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [version.model.model_id])
        with pytest.raises(Busy):
            push_version(version.public_id)


def test_uploaded_bytes_are_logged_there_once_they_are_here(mlflow: MemoryTracking) -> None:
    digest = kept_tree()
    version = ModelVersionFactory(source=f"upload:/upl_{'0' * 32}", tree_digest=digest, run_id="")
    for _ in range(2):
        push_version(version.public_id)
    found = there(mlflow, version)
    assert mlflow.runs[found.run_id].tags == {OPERATION_TAG: version.public_id}
    assert (mlflow.artifacts[found.source] / "MLmodel").read_text() == "flavors: {}\n"


def kept_tree() -> str:
    """The digest of a small tree in the store."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "MLmodel").write_text("flavors: {}\n")
        return stores["default"].put_tree(Path(folder)).digest
