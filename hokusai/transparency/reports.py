from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from hokusai.core.choices import WorkStatus
from hokusai.core.models import Event, Job
from hokusai.transparency.algorithms.tree import hashes_of, inclusion_path
from hokusai.transparency.choices import AUDIT_REQUESTED, AUDITED
from hokusai.transparency.leaves import leaf_bytes_of, read_paths, root_of_size, tree_size
from hokusai.transparency.models import (
    Checkpoint,
    Cosignature,
    LogLeaf,
    LogRecord,
    SequencerHint,
    Trouble,
)
from hokusai.transparency.policy import threshold, witnesses
from hokusai.transparency.publishing import note_of


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
    def note(self) -> str:
        """The last checkpoint as a signed note with its cosignatures; "" before the first."""
        return note_of(self.checkpoint) if self.checkpoint else ""

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


@dataclass(frozen=True, slots=True)
class PolicyState:
    """A checkpoint's cosignatures against the policy."""

    needed: int
    of: int
    cosigned: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether there are as many as the policy asks for."""
        return len(self.cosigned) >= self.needed


def policy_state(checkpoint: Checkpoint) -> PolicyState:
    """Who of the policy's witnesses cosigned a checkpoint."""
    names = {witness.name for witness in witnesses()}
    lines = checkpoint.cosignatures.all()
    cosigned = tuple(each.witness for each in lines if each.witness in names)
    return PolicyState(threshold(), len(names), cosigned)


@dataclass(frozen=True, slots=True)
class LeavesPage:
    """Some leaves with their records, in order."""

    size: int
    results: tuple[LogLeaf, ...]


def leaves_page(start: int, count: int) -> LeavesPage:
    """At most `count` leaves from an index on."""
    rows = LogLeaf.objects.select_related("record").filter(index__gte=start).order_by("index")
    return LeavesPage(tree_size(), tuple(rows[:count]))


@dataclass(frozen=True, slots=True)
class Growth:
    """How many leaves there were at a moment."""

    at: datetime
    size: int


GROWTH_POINTS = 40


def growth() -> list[Growth]:
    """The size over time, at evenly spaced leaves; of any log at most GROWTH_POINTS rows."""
    size = tree_size()
    count = min(size, GROWTH_POINTS)
    # Rounded up, so that the last leaf is the last point.
    indices = [-(-size * number // count) - 1 for number in range(1, count + 1)]
    rows = LogLeaf.objects.filter(index__in=indices).order_by("index")
    return [Growth(at, index + 1) for index, at in rows.values_list("index", "sequenced_at")]


@dataclass(frozen=True, slots=True)
class AuditState:
    """The last audit that was asked for, and the last result with its time."""

    job: Job | None
    result: dict[str, Any] | None
    at: datetime | None

    @property
    def running(self) -> bool:
        """Whether one is under way."""
        return self.job is not None and self.job.status in (WorkStatus.QUEUED, WorkStatus.RUNNING)


def audit_state() -> AuditState:
    """What people asked of the audit, found by its events."""
    asked = Event.objects.filter(tag=AUDIT_REQUESTED).first()
    job = Job.objects.filter(public_id=asked.after["job"]).first() if asked else None
    told = Event.objects.filter(tag=AUDITED).first()
    return AuditState(job, told.after if told else None, told.recorded_at if told else None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """That a record is in the tree of a checkpoint."""

    index: int
    leaf: bytes
    proof: InclusionProof
    note: str

    def as_json(self) -> dict[str, Any]:
        """All hashes in hexadecimal; the leaf as the text that is hashed."""
        return {
            "index": self.index,
            "size": self.proof.size,
            "leaf": self.leaf.decode(),
            "leaf_hash": self.proof.leaf_hash.hex(),
            "hashes": [hashed.hex() for hashed in self.proof.hashes],
            "root": self.proof.root.hex(),
            "checkpoint": self.note,
        }


def evidence_of(record: LogRecord) -> Evidence | None:
    """The proof of a record against the last checkpoint; None where that does not cover it."""
    leaf, last = getattr(record, "leaf", None), Checkpoint.objects.first()
    if leaf is None or last is None or leaf.index >= last.size:
        return None
    path = inclusion_path(leaf.index, last.size)
    hashes = tuple(hashes_of(path, read_paths(path)))
    root = bytes.fromhex(last.root)
    proof = InclusionProof(leaf.index, last.size, bytes(leaf.leaf_hash), root, hashes)
    return Evidence(leaf.index, leaf_bytes_of(record), proof, note_of(last))


def record_with(digest: str) -> LogRecord | None:
    """The first record of a statement; None for none, or no digest."""
    return LogRecord.objects.filter(digest=digest).order_by("pk").first() if digest else None
