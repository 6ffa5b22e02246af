"""What the registry keeps in the content store, and cleaning the store of what nobody keeps."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction

from hokusai.core.events import Actor, record
from hokusai.core.providers import load_hooks
from hokusai.storage import stores, uploads
from hokusai.storage.sweeping import Reference, SweepReport, forget_uploads, sweep
from registry.models import DatasetVersion, ModelVersion, OnnxConversion

CHUNK = 5_000


class RegistryContent:
    """Trees of versions, ONNX made of them, and files of datasets, whatever their state."""

    def digests(self) -> Iterator[Reference]:
        for kept in (ModelVersion, OnnxConversion):
            trees = kept.objects.exclude(tree_digest="").order_by()
            for digest in trees.values_list("tree_digest", flat=True).iterator(chunk_size=CHUNK):
                yield "tree", digest
        files = DatasetVersion.objects.order_by()
        for digest in files.values_list("file_digest", flat=True).iterator(chunk_size=CHUNK):
            yield "blob", digest


def sweep_store(*, actor: Actor, grace: timedelta, verify: bool, apply: bool) -> SweepReport:
    """Clean the stores of what no hook of CONTENT_REFERENCES names; one event if it may.

    Safe to repeat. Raises StorageUnavailable.
    """
    report = sweep(stores["default"], _references, grace=grace, verify=verify, apply=apply)
    forget_uploads(uploads["default"], report, apply=apply)
    if apply:
        with transaction.atomic():
            record(
                "store:swept",
                subject="store",
                actor=actor,
                project_id=None,
                label="Content store",
                after=report.as_json(),
            )
    return report


def _references() -> Iterator[Reference]:
    for hook in load_hooks("CONTENT_REFERENCES"):
        yield from hook.digests()
