"""What the sequencer should have found by now and did not."""

from hokusai.core.models import Event
from hokusai.transparency.audits.findings import Findings
from hokusai.transparency.models import LogRecord, SequencerHint


def check_passed_over(findings: Findings) -> None:
    """Rows below the sequencer's own horizons that have no place."""
    hint = SequencerHint.objects.first()
    if hint is None:
        return
    records = LogRecord.objects.filter(leaf=None, xact__lt=hint.records_from).order_by("pk")
    for public_id, kind in records.values_list("public_id", "kind")[:1000]:
        findings.differs(f"the {kind} {public_id} has no place in the log")
    events = Event.objects.filter(seal=None, xact__lt=hint.events_from).order_by("pk")
    for public_id, tag in events.values_list("public_id", "tag")[:1000]:
        findings.differs(f"the event {public_id} ({tag}) was never sealed")
    findings.checked("horizons of the sequencer", 2)
