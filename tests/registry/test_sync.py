from collections.abc import Callable

import pytest

from hokusai.core.errors import DomainError
from hokusai.tracking import TrackingRefused, TrackingUnavailable, VersionPush
from hokusai.tracking.base import OPERATION_TAG
from hokusai.tracking.memory import MemoryTracking
from registry.choices import Stage, SyncState
from registry.models import ModelVersion
from registry.sync import push_version
from tests.factories import ModelVersionFactory, VersionTagFactory
from tests.registry.stages import enter

pytestmark = pytest.mark.django_db


def pushed(**fields: object) -> ModelVersion:
    version = ModelVersionFactory(**fields)
    push_version(version.public_id)
    version.refresh_from_db()
    return version


def name_of(version: ModelVersion) -> str:
    return version.model.model_id


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
