"""Recomputing the whole log from the rows it tells of: nothing stored is taken for granted.

Reads in chunks, as far as the log went when the audit began; what is appended meanwhile waits for
the next.
"""

from collections.abc import Callable

from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.transparency.audits.batches import check_batches
from hokusai.transparency.audits.findings import AuditReport, Findings
from hokusai.transparency.audits.passed_over import check_passed_over
from hokusai.transparency.audits.statements import check_records
from hokusai.transparency.audits.tree import check_tree
from hokusai.transparency.choices import AUDITED

SUBJECT = "log"
Progress = Callable[[int, str], None]
_PARTS: tuple[tuple[str, Callable[[Findings], None]], ...] = (
    ("statements and what they follow", check_records),
    ("leaves, nodes and checkpoints", check_tree),
    ("events and their batches", check_batches),
    ("what was passed over", check_passed_over),
)


def audit(progress: Progress) -> AuditReport:
    """Recompute everything; what was checked, and what differs."""
    findings = Findings()
    for number, (label, check) in enumerate(_PARTS):
        progress(100 * number // len(_PARTS), f"checking {label}")
        check(findings)
    return findings.report()


def run_audit(work: Work) -> None:
    """The job: an audit whose result is an event. Safe to repeat."""
    report = audit(work.progress)
    with work.result():
        for line in report.lines():
            work.log(line)
        record(AUDITED, subject=SUBJECT, actor=SYSTEM, project_id=None, after=report.as_json())
