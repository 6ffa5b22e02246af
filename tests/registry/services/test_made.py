import pytest

from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Job
from hokusai.storage import stores
from hokusai.storage.trees import TreeRefused
from registry.exceptions import ArtifactRefused
from registry.models import ModelVersion
from registry.services import Made, register_made, register_version
from tests.factories import DatasetVersionFactory, ModelVersionFactory, UserFactory

pytestmark = pytest.mark.django_db
FILES = {"MLmodel": b"flavors:\n  onnx: {}\n", "model.onnx": b"weights"}
MAKER = "trn_" + "0" * 32


def made(parent: ModelVersion, **fields: object) -> Made:
    stated = {
        "maker": MAKER,
        "tree_digest": stores["default"].put_files(FILES),
        "parent": parent,
        "training_data": (),
    }
    return Made(**(stated | fields))


def test_files_are_kept_once_and_copied_from_the_store() -> None:
    parent = ModelVersionFactory()
    data = DatasetVersionFactory(dataset__project=parent.model.project)
    given = made(parent, training_data=[data.public_id], tags={"arm": "control"})
    assert stores["default"].put_files(FILES) == given.tree_digest
    version = register_made(model=parent.model, made=given, actor=actor_of(UserFactory()))
    assert (version.number, version.parent) == (parent.number + 1, parent)
    assert list(version.training_data.all()) == [data]
    jobs.run(Job.objects.get(kind="artifact_copy", subject=version.public_id).pk)
    version.refresh_from_db()
    assert (version.artifact_state, version.tree_digest) == ("ready", given.tree_digest)
    assert stores["default"].read_file(version.tree_digest, "model.onnx") == b"weights"


def test_a_maker_registers_a_tree_once() -> None:
    parent, actor = ModelVersionFactory(), actor_of(UserFactory())
    register_made(model=parent.model, made=made(parent), actor=actor)
    with pytest.raises(Conflict, match="registered as"):
        register_made(model=parent.model, made=made(parent), actor=actor)
    another = made(parent, maker="trn_" + "1" * 32)
    assert register_made(model=parent.model, made=another, actor=actor).number == 3


def test_rows_of_a_benchmark_are_in_no_made_version() -> None:
    parent = ModelVersionFactory()
    sealed = DatasetVersionFactory(dataset__project=parent.model.project, access="stewards")
    given = made(parent, training_data=[sealed.public_id])
    with pytest.raises(InvalidInput, match="never serve training"):
        register_made(model=parent.model, made=given, actor=actor_of(UserFactory()))


def test_only_a_person_answers_for_a_made_version() -> None:
    parent = ModelVersionFactory()
    with pytest.raises(Forbidden):
        register_made(model=parent.model, made=made(parent), actor=SYSTEM)


def test_nobody_sends_a_source_that_names_what_the_store_holds() -> None:
    parent = ModelVersionFactory()
    with pytest.raises(ArtifactRefused):
        register_version(
            project=parent.model.project,
            slug=parent.model.slug,
            source=f"made:/{MAKER}/{parent.tree_digest}",
            actor=actor_of(UserFactory()),
        )


def test_a_path_that_leaves_the_tree_is_refused() -> None:
    with pytest.raises(TreeRefused):
        stores["default"].put_files({"../outside": b"x"})
