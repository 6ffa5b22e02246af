import pytest

from hokusai.storage import stores
from hokusai.storage.memory import MemoryStore
from registry.checks import ArtifactVerified
from registry.models import ModelVersion
from tests.registry.conftest import LogRun


def version_of(log_run: LogRun) -> ModelVersion:
    manifest = stores["default"].put_tree(log_run().files)
    return ModelVersion(artifact_state="ready", tree_digest=manifest.digest)


def test_stored_bytes_that_match_pass(log_run: LogRun) -> None:
    result = ArtifactVerified().run(version_of(log_run))
    assert result.passed
    assert result.message.startswith("2 files match")


def test_a_changed_byte_fails(log_run: LogRun) -> None:
    version = version_of(log_run)
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    store.blobs = {digest: content + b"!" for digest, content in store.blobs.items()}
    result = ArtifactVerified().run(version)
    assert not result.passed
    assert "no longer match" in result.message


def test_bytes_that_are_gone_fail(log_run: LogRun) -> None:
    version = version_of(log_run)
    stores.forget()
    assert not ArtifactVerified().run(version).passed


@pytest.mark.parametrize("state", ["pending", "copying", "failed"])
def test_an_artifact_that_is_not_ready_fails(state: str) -> None:
    assert not ArtifactVerified().run(ModelVersion(artifact_state=state)).passed
