"""Whatever the owner of the tables changes, the audit names it."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from hokusai.core import jobs
from hokusai.core.errors import Conflict
from hokusai.core.events import SYSTEM, record
from hokusai.core.models import Event, Job
from hokusai.transparency import services
from hokusai.transparency.audits import batches, statements, tree
from hokusai.transparency.audits.findings import AuditReport, Findings
from hokusai.transparency.models import Checkpoint, LogRecord
from tests.hokusai.transparency.conftest import WitnessTwin, write

pytestmark = pytest.mark.django_db(transaction=True)


def audited() -> AuditReport:
    return services.audit(lambda percent, note: None)


@pytest.fixture
def history(log_secret: object, twin: Any, settings: Any) -> WitnessTwin:
    """Attempts that follow each other, events in two batches, two checkpoints, a cosignature."""
    witness: WitnessTwin = twin(1)
    last = ""
    for number in range(5):
        last = write(number, previous=last).digest
        with transaction.atomic():
            record(
                "thing:changed",
                subject=f"thing_{number}",
                actor=SYSTEM,
                project_id=None,
                before={"score": 0.5, "none": None},
                after={"score": 1.0, "large": 2**40, "text": "é\u2028", "many": [1.5e-7, {}]},
            )
        services.sequence()
    services.sign_checkpoint()
    services.publish_checkpoint()
    services.sequence()
    services.sign_checkpoint()
    return witness


@pytest.mark.usefixtures("history")
def test_an_untouched_log_holds_and_says_what_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = audited()
    assert report.differences == ()
    assert report.holds
    assert report.checked["statements"] == report.checked["leaves"] == LogRecord.objects.count()
    assert report.checked["checkpoints"] == 2
    assert report.checked["cosignatures"] == 1
    assert report.checked["events"] == Event.objects.count()
    assert report.checked["links"] >= 4
    assert report.checked["nodes"] > 0
    for module in (statements, tree, batches):
        monkeypatch.setattr(module, "CHUNK", 2)
    assert audited() == report


@pytest.mark.django_db(transaction=False)
def test_an_empty_log_holds() -> None:
    assert audited().holds


CHANGES = (
    ("DELETE FROM transparency_logleaf WHERE index > 2", "beyond the log"),
    ("DELETE FROM transparency_logleaf WHERE index > 2", "has no place in the log"),
    (
        "INSERT INTO core_event (public_id, tag, actor, actor_label, subject, subject_label,"
        " before, after, request_id, digest, xact)"
        " VALUES ('evt_1', 'late:come', 'user:1', '', 's', '', '{}', '{}', '', '', 1)",
        "late:come) was never sealed",
    ),
    (
        "UPDATE transparency_logrecord SET statement = '{\"n\":9}' WHERE subject = 'cmp_2'",
        "attempt of cmp_2) is not the one of its digest",
    ),
    (
        "UPDATE transparency_logrecord SET statement = '{ \"n\":2}' WHERE subject = 'cmp_2'",
        "is not canonical",
    ),
    (
        "UPDATE transparency_logrecord SET previous = repeat('0', 64) WHERE subject = 'cmp_2'",
        "follows 0000000000000000, which is not before it",
    ),
    (
        "UPDATE transparency_logrecord SET previous = digest WHERE subject = 'cmp_2'",
        "which is not before it",
    ),
    (
        "UPDATE transparency_logrecord SET digest = repeat('1', 64) WHERE subject = 'cmp_2'",
        "is not the hash of record",
    ),
    (
        "UPDATE transparency_logrecord SET key_id = 'other' WHERE subject = 'cmp_2'",
        "is not the hash of record",
    ),
    (
        "UPDATE transparency_logleaf SET leaf_hash = '\\x00' WHERE index = 3",
        "leaf 3 is not the hash",
    ),
    ("DELETE FROM transparency_logleaf WHERE index = 3", "leaf 3 is missing"),
    (
        "UPDATE transparency_lognode SET hash = '\\x00' WHERE level = 1 AND index = 1",
        "node 1:1 differs",
    ),
    (
        "DELETE FROM transparency_lognode WHERE level = 2 AND index = 0",
        "node 2:0 is missing",
    ),
    (
        "INSERT INTO transparency_lognode (level, index, hash) VALUES (9, 9, '\\x00')",
        "1 nodes that the tree does not have",
    ),
    (
        "UPDATE transparency_checkpoint SET root = repeat('0', 64)",
        "is not the tree's",
    ),
    (
        "UPDATE transparency_checkpoint SET note = replace(note, 'local', 'other')",
        "does not hold",
    ),
    ("UPDATE transparency_checkpoint SET note = 'nothing'", "does not hold"),
    ("UPDATE transparency_checkpoint SET key_id = ''", "None of the keys"),
    ("UPDATE transparency_cosignature SET line = replace(line, 'A', 'B')", "does not hold"),
    ("UPDATE core_event SET subject = 'x' WHERE subject = 'thing_3'", "(thing:changed) was"),
    (
        "UPDATE core_event SET after = '{\"score\": 2}' WHERE subject = 'thing_3'",
        "(thing:changed) was changed",
    ),
    (
        "UPDATE core_event SET recorded_at = recorded_at - interval '1 hour'"
        " WHERE subject = 'thing_3'",
        "is not what the log says of it",
    ),
    (
        "DELETE FROM transparency_sealedevent WHERE batch_id = 2",
        "has not the",
    ),
    (
        "UPDATE transparency_eventbatch SET digest = repeat('0', 64) WHERE number = 2",
        "is not what the log says of it",
    ),
)


@pytest.mark.usefixtures("history")
def test_a_changed_row_is_named() -> None:
    unseen = []
    for change, words in CHANGES:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
            report = audited()
            transaction.set_rollback(True)
        if report.holds or not any(words in text for text in report.differences):
            unseen.append((change, report.differences))
    assert unseen == []


@pytest.mark.django_db(transaction=False)
def test_a_second_line_of_attempts_in_a_ledger_is_named() -> None:
    for number, ledger in enumerate(("a", "b", "a")):
        with transaction.atomic():
            services.append(
                "attempt", {"ledger": {"rows": ledger}, "n": number}, subject=f"of_{ledger}"
            )
    services.sequence()
    report = audited()
    assert report.found == 1
    assert "attempt of of_a) follows the same attempt of its ledger" in report.differences[0]


@pytest.mark.django_db(transaction=False)
def test_a_revocation_follows_its_attestation_or_one_older_than_the_log() -> None:
    kept = write(1, kind="attestation")
    write(2, kind="revocation", previous=kept.digest)
    write(3, kind="revocation", previous="0" * 64)
    services.sequence()
    assert audited().holds
    late = write(5, kind="attestation")
    LogRecord.objects.filter(subject="cmp_2").update(previous=late.digest)
    assert any("not before it" in text for text in audited().differences)


@pytest.mark.django_db(transaction=False)
def test_of_many_differences_the_first_are_named_and_all_counted() -> None:
    findings = Findings()
    for number in range(30):
        findings.differs(f"difference {number}")
    report = findings.report()
    assert (report.found, len(report.differences)) == (30, 20)
    assert report.lines()[-2:] == ["and 10 more differences", "30 differences"]


@pytest.mark.usefixtures("history")
def test_the_command_says_what_it_checked_and_fails_on_a_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("audit_log")
    out = capsys.readouterr().out
    assert "2 checkpoints checked" in out
    assert "everything holds" in out
    Checkpoint.objects.update(root="0" * 64)
    with pytest.raises(CommandError):
        call_command("audit_log")
    assert "2 differences" in capsys.readouterr().out


@pytest.mark.usefixtures("history")
def test_the_job_leaves_its_result_as_an_event() -> None:
    job = services.request_audit(actor=SYSTEM)
    with pytest.raises(Conflict):
        services.request_audit(actor=SYSTEM)
    jobs.run(job.pk)
    assert Job.objects.get(pk=job.pk).status == "succeeded"
    event = Event.objects.get(tag="log:audited")
    assert event.after["holds"] is True
    assert event.after["checked"]["checkpoints"] == 2
    assert "everything holds" in Job.objects.get(pk=job.pk).log
