"""What batches keep in the content store, until it is forgotten."""

from collections.abc import Iterator

from deployments.batch_choices import BatchStatus
from deployments.models import BatchChunk, BatchPrediction
from hokusai.storage.sweeping import Reference

CHUNK = 5_000


class BatchContent:
    """Tables, parts and outputs. Parts are let go of once the outputs are one file."""

    def digests(self) -> Iterator[Reference]:
        kept = BatchPrediction.objects.filter(forgotten_at=None).order_by()
        parts = BatchChunk.objects.filter(batch__in=kept).exclude(
            batch__status=BatchStatus.SUCCEEDED
        )
        rows = (
            kept.values_list("file_digest"),
            kept.exclude(table_digest="").values_list("table_digest"),
            kept.exclude(output_digest="").values_list("output_digest"),
            parts.exclude(output_digest="").order_by().values_list("output_digest"),
        )
        for found in rows:
            for (digest,) in found.iterator(chunk_size=CHUNK):
                yield "blob", digest
