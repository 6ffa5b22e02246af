"""Parts into one file, in order, one part in memory at a time."""

import pyarrow as pa
import pyarrow.parquet as pq

from deployments.batches import places, tables
from deployments.models import BatchPrediction
from hokusai.storage import stores


def assemble(batch: BatchPrediction) -> tuple[str, int]:
    """Digest and size of one Parquet file with the outputs of every row; safe to repeat.

    Raises ContentMissing, ContentDamaged or StorageUnavailable.
    """
    store = stores["default"]
    kept = list(batch.chunks.order_by("position").values_list("output_digest", "output_bytes"))
    if len(kept) == 1:
        return kept[0]
    with places.draft() as path:
        writer: pq.ParquetWriter | None = None
        try:
            for digest, _ in kept:
                part = pq.read_table(pa.BufferReader(store.get(digest)), use_threads=False)
                if writer is None:
                    writer = pq.ParquetWriter(path, part.schema, **tables.writing(part.schema))
                writer.write_table(part)
        finally:
            if writer is not None:
                writer.close()
        return store.put_file(path), path.stat().st_size
