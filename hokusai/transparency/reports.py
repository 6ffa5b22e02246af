from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, QuerySet, Subquery

from hokusai.transparency.leaves import root_of_size, tree_size
from hokusai.transparency.models import (
    Checkpoint,
    Cosignature,
    LogRecord,
    SequencerHint,
    Trouble,
)
from hokusai.transparency.policy import threshold, witnesses


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The hashes, leaf to root, by which a leaf hash leads to a root (RFC 6962, 2.1.1)."""

    index: int
    size: int
    leaf_hash: bytes
    root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The hashes that lead from two roots to one history (RFC 6962, 2.1.2)."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WitnessState:
    """Where a witness of the policy stands; `size`: of the last checkpoint that it cosigned."""

    name: str
    url: str
    size: int | None
    seen_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class LogState:
    """The log as it is now."""

    size: int
    root: str
    pending: int
    checkpoint: Checkpoint | None
    needed: int
    witnesses: tuple[WitnessState, ...]
    troubles: tuple[Trouble, ...]

    @property
    def cosigned(self) -> int:
        """How many witnesses of the policy cosigned the latest checkpoint."""
        size = self.checkpoint.size if self.checkpoint else None
        return sum(size is not None and each.size == size for each in self.witnesses)

    @property
    def witnessed(self) -> bool:
        """Whether the latest checkpoint has as many cosignatures as the policy asks for."""
        return self.checkpoint is not None and self.cosigned >= self.needed


def log_state() -> LogState:
    """Size and root, the last checkpoint against the policy, what waits and what goes wrong."""
    size = tree_size()
    troubles = {trouble.source: trouble for trouble in Trouble.objects.all()}
    return LogState(
        size=size,
        root=root_of_size(size).hex(),
        pending=_pending(),
        checkpoint=Checkpoint.objects.first(),
        needed=threshold(),
        witnesses=_witness_states(troubles),
        troubles=tuple(troubles.values()),
    )


def _witness_states(troubles: dict[str, Trouble]) -> tuple[WitnessState, ...]:
    states = []
    for witness in witnesses():
        own = Cosignature.objects.filter(witness=witness.name)
        last, trouble = (
            own.order_by("-checkpoint_id").first(),
            troubles.get(f"witness {witness.name}"),
        )
        states.append(
            WitnessState(
                name=witness.name,
                url=witness.url,
                size=last.checkpoint_id if last else None,
                seen_at=last.seen_at if last else None,
                trouble=trouble.message if trouble else "",
            )
        )
    return tuple(states)


def _pending() -> int:
    """How many committed records wait for their place, searched from where the sequencer does."""
    hint = SequencerHint.objects.first()
    start = hint.records_from if hint else 0
    return LogRecord.objects.filter(xact__gte=start, leaf=None).count()


def witnessed() -> QuerySet[Checkpoint]:
    """Checkpoints that as many witnesses of the policy cosigned as it asks for, largest first."""
    needed = threshold()
    if not needed:
        return Checkpoint.objects.all()
    names = [witness.name for witness in witnesses()]
    own = Cosignature.objects.filter(checkpoint=OuterRef("pk"), witness__in=names).order_by()
    # Counted row by row from the largest on, never over all.
    counted = Subquery(own.values("checkpoint").annotate(n=Count("pk")).values("n"))
    return Checkpoint.objects.annotate(have=counted).filter(have__gte=needed)
