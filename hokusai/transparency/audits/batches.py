"""Events: each row says what its digest says, each batch is of its events and in the chain."""

from collections.abc import Iterator

from hokusai.core.canonical import canonical_bytes, sha256_hex
from hokusai.core.events import digest_of
from hokusai.core.models import Event
from hokusai.transparency.audits.findings import Findings
from hokusai.transparency.models import EventBatch, SealedEvent
from hokusai.transparency.sealer import batch_statement, event_leaf

CHUNK = 500


def check_batches(findings: Findings) -> None:
    """Every batch from its events, each naming the one before."""
    previous, expected = "", 1
    for batch, seals in _batches():
        findings.checked("batches of events")
        findings.expect(batch.number == expected, f"batch {expected} of events is missing")
        _check_batch(findings, batch, seals, previous)
        previous, expected = batch.digest, batch.number + 1


def _batches() -> Iterator[tuple[EventBatch, list[SealedEvent]]]:
    last = 0
    rows = EventBatch.objects.select_related("record").order_by("number")
    while chunk := list(rows.filter(number__gt=last)[:CHUNK]):
        for group in _by_size(chunk):
            found = SealedEvent.objects.select_related("event").filter(batch__in=group)
            seals: dict[int, list[SealedEvent]] = {batch.number: [] for batch in group}
            for seal in found.order_by("batch_id", "position"):
                seals[seal.batch_id].append(seal)
            yield from ((batch, seals[batch.number]) for batch in group)
        last = chunk[-1].number


def _by_size(batches: list[EventBatch]) -> Iterator[list[EventBatch]]:
    """Batches in groups of not many more than some thousand events."""
    group: list[EventBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(each.count for each in group) >= CHUNK:
            yield group
            group = []
    if group:
        yield group


def _check_batch(
    findings: Findings, batch: EventBatch, seals: list[SealedEvent], previous: str
) -> None:
    leaves = [_checked_leaf(findings, seal.event) for seal in seals]
    places = [seal.position for seal in seals]
    findings.expect(
        places == list(range(batch.count)), f"{batch} has not the {batch.count} it was sealed with"
    )
    digest = sha256_hex(canonical_bytes(batch_statement(batch.number, leaves, previous)))
    findings.expect(
        digest == batch.record.digest == batch.digest, f"{batch} is not what the log says of it"
    )
    findings.expect(
        batch.record.previous == previous, f"{batch} does not follow the batch before it"
    )


def _checked_leaf(findings: Findings, event: Event) -> bytes:
    findings.checked("events")
    try:
        holds = digest_of(event) == event.digest
    except TypeError:
        holds = False
    findings.expect(holds, f"the event {event.public_id} ({event.tag}) was changed")
    return event_leaf(event.public_id, event.digest, event.recorded_at)
