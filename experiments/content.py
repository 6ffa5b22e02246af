"""What experiments keep in the content store."""

from collections.abc import Iterator

from experiments.models import Evaluation
from hokusai.storage.sweeping import Reference

CHUNK = 5_000


class OutcomeContent:
    """The outcomes per row of every evaluation: attestations are checked against them."""

    def digests(self) -> Iterator[Reference]:
        digests = Evaluation.objects.order_by().values_list("outcomes_digest", flat=True)
        for digest in digests.iterator(chunk_size=CHUNK):
            yield "blob", digest
