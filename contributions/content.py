"""What contributions keep in the content store."""

from collections.abc import Iterator

from contributions.models import Attribution, CoalitionBatch
from hokusai.storage.sweeping import Reference

CHUNK = 5_000


class CreditContent:
    """Outcomes of coalitions and the reports of attributions: shares are checked against them."""

    def digests(self) -> Iterator[Reference]:
        kept = (
            CoalitionBatch.objects.exclude(outcomes_digest="").values_list("outcomes_digest"),
            Attribution.objects.exclude(report_digest="").values_list("report_digest"),
        )
        for rows in kept:
            for (digest,) in rows.order_by().iterator(chunk_size=CHUNK):
                yield "blob", digest
