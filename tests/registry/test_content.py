from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from hokusai.storage import stores
from hokusai.storage.memory import MemoryStore
from hokusai.storage.sweeping import SweepReport
from registry.content import RegistryContent, sweep_store
from registry.models import ModelVersion
from tests.factories import DatasetVersionFactory, EvaluationFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


def kept_long_ago(content: bytes) -> str:
    """A blob in the store, kept before any grace; its digest."""
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    digest = store.put(content)
    store.kept_at["blob", digest] = datetime(2020, 1, 1, tzinfo=UTC)
    return digest


def _sweep(*, apply: bool) -> SweepReport:
    return sweep_store(actor=SYSTEM, grace=timedelta(hours=24), verify=False, apply=apply)


def test_versions_keep_trees_and_datasets_keep_files() -> None:
    version, table = ModelVersionFactory(tree_digest="a" * 64), DatasetVersionFactory()
    ModelVersionFactory(tree_digest="", artifact_state="pending")
    referred = set(RegistryContent().digests())
    assert ("tree", version.tree_digest) in referred
    assert ("blob", table.file_digest) in referred
    assert all(digest for _, digest in referred)


def test_what_any_app_refers_to_is_kept(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_bytes(b"flavors: {}\n")
    tree = stores["default"].put_tree(tmp_path).digest
    rows, outcomes = kept_long_ago(b"rows"), kept_long_ago(b"outcomes")
    DatasetVersionFactory(file_digest=rows)
    EvaluationFactory(outcomes_digest=outcomes)
    ModelVersion.objects.update(tree_digest=tree)
    orphan = kept_long_ago(b"of nobody")
    report = _sweep(apply=True)
    assert [found.digest for found in report.unreferenced] == [orphan]
    assert report.removed == 1
    for digest in (rows, outcomes):
        assert stores["default"].get(digest)
    assert stores["default"].verify_tree(tree)


def test_a_sweep_that_removes_is_one_event_with_its_report() -> None:
    kept_long_ago(b"of nobody")
    _sweep(apply=False)
    assert not Event.objects.filter(tag="store:swept").exists()
    report = _sweep(apply=True)
    event = Event.objects.get(tag="store:swept")
    assert event.after == report.as_json()
    assert event.after["removed"] == 1
