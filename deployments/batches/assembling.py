"""Parts into one file, in order, one part in memory at a time."""

from deployments.batches import places
from deployments.batches.footers import Joined
from deployments.models import BatchPrediction
from hokusai.storage import stores


def assemble(batch: BatchPrediction) -> tuple[str, int]:
    """Digest and size of one Parquet file with the outputs of every row; safe to repeat.

    Raises ContentMissing, ContentDamaged or StorageUnavailable.
    """
    store = stores["default"]
    parts = batch.chunks.order_by("position").values_list("output_digest", "output_bytes")
    kept = [(digest, size_bytes or 0) for digest, size_bytes in parts]
    if len(kept) == 1:
        return kept[0]
    with places.draft() as path:
        with path.open("wb") as target:
            joined = Joined(target)
            for digest, _ in kept:
                joined.add(store.get(digest))
            joined.close()
        return store.put_file(path), path.stat().st_size
