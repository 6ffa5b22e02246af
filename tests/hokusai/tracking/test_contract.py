"""What every tracking client must hold to: the memory twin, and MLflow's own server."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hokusai.tracking import (
    RegisteredVersion,
    RunRecord,
    TrackingClient,
    TrackingNotFound,
    TrackingRefused,
    VersionPush,
)
from hokusai.tracking.base import OPERATION_TAG
from hokusai.tracking.memory import MemoryTracking
from tests.hokusai.tracking.logged import PARAMETERS, LoggedModel


@dataclass
class World:
    """A client, and a run that logged a model on its server."""

    client: TrackingClient
    run_id: str
    source: str
    metrics: Mapping[str, float]


def _memory(folder: Path) -> World:
    client, run_id = MemoryTracking(), secrets.token_hex(16)
    (folder / "logged").mkdir()
    (folder / "logged" / "MLmodel").write_text("flavors: {sklearn: {}}\n")
    client.runs[run_id] = RunRecord(run_id, {"accuracy": 0.9}, PARAMETERS, {})
    client.artifacts[f"runs:/{run_id}/model"] = folder / "logged"
    return World(client, run_id, f"runs:/{run_id}/model", {"accuracy": 0.9})


def _mlflow(logged: LoggedModel) -> World:
    return World(logged.client(), logged.run_id, logged.source, {"accuracy": logged.accuracy})


@pytest.fixture(params=["memory", "mlflow"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "memory":
        return _memory(tmp_path)
    return _mlflow(request.getfixturevalue("logged"))


@pytest.fixture
def name(world: World) -> str:
    """A registered model of this test."""
    name = f"project.model-{secrets.token_hex(4)}"
    world.client.ensure_model(name, {"hokusai.model": "mdl_1"})
    return name


def push(world: World, name: str, operation_id: str = "mdv_1") -> RegisteredVersion:
    source, run_id = world.client.resolve_source(world.source)
    return world.client.create_version(
        VersionPush(name, source, run_id, operation_id, "as trained", {"hokusai.version": "1"})
    )


def test_a_version_is_made_and_found_by_its_operation(world: World, name: str) -> None:
    made = push(world, name)
    assert (made.name, made.version, made.run_id) == (name, "1", world.run_id)
    assert made.tags == {"hokusai.version": "1", OPERATION_TAG: "mdv_1"}
    assert world.client.find_versions(name, "mdv_1") == [made]


def test_versions_of_other_operations_and_models_are_not_found(world: World, name: str) -> None:
    push(world, name)
    assert world.client.find_versions(name, "mdv_2") == []
    assert world.client.find_versions("project.absent", "mdv_1") == []


def test_a_repeated_create_makes_a_duplicate_found_lowest_first(world: World, name: str) -> None:
    for operation in ("mdv_1", "mdv_2", "mdv_1", *["mdv_3"] * 7, "mdv_1"):
        push(world, name, operation)
    found = world.client.find_versions(name, "mdv_1")
    assert [row.version for row in found] == ["1", "3", "11"]


def test_ensuring_a_model_twice_is_the_same_as_once(world: World, name: str) -> None:
    world.client.ensure_model(name, {"hokusai.model": "mdl_1"})
    assert push(world, name).version == "1"


def test_a_version_of_an_unknown_model_is_not_found(world: World) -> None:
    with pytest.raises(TrackingNotFound):
        push(world, "project.absent")


def test_tags_are_set_and_others_stay(world: World, name: str) -> None:
    made = push(world, name)
    world.client.set_version_tags(name, made.version, {"hokusai.stage": "staging"})
    world.client.set_version_tags(name, made.version, {"hokusai.stage": "production", "a": "b"})
    (found,) = world.client.find_versions(name, "mdv_1")
    assert found.tags == {**made.tags, "hokusai.stage": "production", "a": "b"}


def test_tags_of_an_unknown_version_are_not_found(world: World, name: str) -> None:
    with pytest.raises(TrackingNotFound):
        world.client.set_version_tags(name, "7", {"a": "b"})


def test_an_alias_of_an_unknown_version_is_refused(world: World, name: str) -> None:
    with pytest.raises(TrackingRefused):
        world.client.set_alias(name, "production", "7")


def test_an_alias_moves_and_is_removed_twice(world: World, name: str) -> None:
    push(world, name, "mdv_1")
    push(world, name, "mdv_2")
    world.client.set_alias(name, "production", "1")
    world.client.set_alias(name, "production", "2")
    world.client.delete_alias(name, "production")
    world.client.delete_alias(name, "production")


def test_a_run_is_read(world: World) -> None:
    run = world.client.get_run(world.run_id)
    assert run.run_id == world.run_id
    assert run.metrics == pytest.approx(dict(world.metrics))
    assert PARAMETERS.items() <= run.parameters.items()


def test_an_unknown_run_is_not_found(world: World) -> None:
    with pytest.raises(TrackingNotFound):
        world.client.get_run("0" * 32)


def test_a_runs_model_resolves_to_its_run(world: World) -> None:
    source, run_id = world.client.resolve_source(world.source)
    assert run_id == world.run_id
    assert source


def test_the_files_behind_a_source_are_copied(world: World, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.mkdir()
    source, _ = world.client.resolve_source(world.source)
    files = world.client.download(source, target)
    assert files.is_relative_to(target)
    assert "sklearn" in (files / "MLmodel").read_text()


def test_files_that_are_not_there_are_not_found(world: World, tmp_path: Path) -> None:
    with pytest.raises(TrackingRefused):
        world.client.download(f"runs:/{'0' * 32}/model", tmp_path)


def test_a_model_is_described(world: World, name: str) -> None:
    world.client.describe_model(name, "Who leaves, and why.")
    assert world.client.get_model(name).description == "Who leaves, and why."


def test_files_are_kept_in_one_run_however_often_they_are_logged(
    world: World, name: str, tmp_path: Path
) -> None:
    folder, operation = tmp_path / "uploaded", f"mdv_{secrets.token_hex(8)}"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {sklearn: {}}\n")
    first = world.client.log_files(operation, folder)
    source, run_id = world.client.log_files(operation, folder)
    assert (source, run_id) == first
    assert world.client.get_run(run_id).tags[OPERATION_TAG] == operation
    made = world.client.create_version(VersionPush(name, source, run_id, operation))
    assert made.run_id == run_id
    files = world.client.download(source, tmp_path / "down")
    assert (files / "MLmodel").read_text() == "flavors: {sklearn: {}}\n"
