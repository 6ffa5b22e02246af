"""What a key signed and where in the log it is, for whoever must say what a lost key costs."""

from django.db.models import Count, Max, Min

from hokusai.signers.signatures import SignatureLog, Signed
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.leaves import tree_size
from hokusai.transparency.models import Checkpoint, LogRecord

CHECKPOINTS = "checkpoint"


class SignedRecords(SignatureLog):
    """The records that name a key, and the checkpoints that it signed, by their size."""

    def size(self) -> int:
        """How many leaves the log has now."""
        return tree_size()

    def signed_by(self, key_id: str, from_index: int = 0) -> list[Signed]:
        """What of a key has an index of at least `from_index`, by kind."""
        records = LogRecord.objects.filter(key_id=key_id, leaf__index__gte=from_index)
        rows = (
            records.order_by()
            .values_list("kind")
            .annotate(count=Count("pk"), first=Min("leaf__index"), last=Max("leaf__index"))
        )
        return [
            *(Signed(RecordKind(kind).label, *found) for kind, *found in rows.order_by("kind")),
            *_checkpoints(key_id, from_index),
        ]


def _checkpoints(key_id: str, from_index: int) -> list[Signed]:
    found = Checkpoint.objects.filter(key_id=key_id, size__gte=from_index).aggregate(
        count=Count("pk"), first=Min("size"), last=Max("size")
    )
    return [Signed(CHECKPOINTS, **found)] if found["count"] else []
