from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from pytest_django import Settings

from contributions import revocations
from contributions.algorithms.statement import validate_statement
from contributions.algorithms.statement_rules import REVOCATION_TYPE
from contributions.checks import Attested
from contributions.models import Attestation, Revocation
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.canonical import sha256_hex
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from hokusai.signers.algorithms import dsse
from tests.contributions.signers import KEY, Private, signers
from tests.factories import AttestationFactory, UserFactory
from tests.measuring import work

pytestmark = pytest.mark.django_db
WHY = "A third of the added rows carry labels of another set."
Hold = Callable[..., None]


@pytest.fixture
def hold(settings: Settings, tmp_path: Path) -> Hold:
    """Gives this process keys by purpose; without any, it holds none."""

    def hold(**keys: Private) -> None:
        settings.SIGNERS = signers(tmp_path, **keys)

    hold(attestation=KEY)
    return hold


@pytest.fixture
def attestation() -> Attestation:
    found: Attestation = AttestationFactory()
    return found


def ask(attestation: Attestation, reason: str = WHY) -> Revocation:
    return revocations.request_revocation(
        attestation_id=attestation.pk, reason=reason, actor=actor_of(UserFactory())
    )


def test_a_revocation_is_signed_logged_and_for_good(attestation: Attestation, hold: Hold) -> None:
    asked = ask(attestation)
    job = work(asked.job)
    assert job.status == "succeeded", job.last_error
    revocation = Revocation.objects.get()
    statement = orjson.loads(revocation.statement)
    validate_statement(statement, REVOCATION_TYPE)
    assert statement["attestation"] == {"sha256": attestation.statement_id}
    assert (statement["reason"], statement["issuer"]["environment"]) == (WHY, "development")
    opened = dsse.open_envelope(dsse.encode_envelope(revocation.envelope), [KEY.public_key()])
    assert opened.payload == revocation.statement.encode()
    record = revocation.log_record
    assert record is not None
    assert (record.kind, record.subject) == ("revocation", f"att_{attestation.statement_id}")
    assert record.digest == sha256_hex(revocation.statement.encode())
    assert (record.key_id, record.previous) == (opened.key_ids[0], attestation.statement_id)
    attestation.refresh_from_db()
    assert attestation.status == "revoked"
    assert attestation.envelope
    tags = Event.objects.filter(subject=attestation.statement_id).order_by("id")
    assert [event.tag for event in tags] == ["revocation:requested", "attestation:revoked"]


def test_what_is_being_revoked_counts_for_no_promotion_already(attestation: Attestation) -> None:
    candidate = attestation.improvement.candidate
    assert Attested().run(candidate).passed
    ask(attestation)
    result = Attested().run(candidate)
    assert not result.passed
    assert "being revoked" in result.message


def test_a_revocation_needs_a_person_and_a_reason(attestation: Attestation) -> None:
    for reason in ("", "  ", "x" * 2001):
        with pytest.raises(InvalidInput):
            ask(attestation, reason)
    with pytest.raises(Forbidden):
        revocations.request_revocation(attestation_id=attestation.pk, reason=WHY, actor=SYSTEM)
    assert not Revocation.objects.exists()


def test_an_attestation_is_revoked_once(attestation: Attestation, hold: Hold) -> None:
    asked = ask(attestation)
    with pytest.raises(Conflict, match="asked for already"):
        ask(attestation)
    work(asked.job)
    before = Revocation.objects.get()
    Job.objects.filter(pk=asked.job_id).update(status="queued")
    work(asked.job)
    assert Revocation.objects.get().envelope == before.envelope
    assert Event.objects.filter(tag="attestation:revoked").count() == 1


def test_what_is_not_signed_cannot_be_revoked() -> None:
    with pytest.raises(Conflict, match="not signed"):
        ask(AttestationFactory(status="pending"))


def test_without_a_key_it_stays_asked_for_and_the_reason_is_recorded(
    attestation: Attestation, hold: Hold
) -> None:
    hold()
    job = work(ask(attestation).job)
    assert (job.status, "holds no key" in job.last_error) == ("failed", True)
    attestation.refresh_from_db()
    assert attestation.status == "signed"
    assert "holds no key" in Event.objects.get(tag="revocation:refused").after["reason"]


def test_a_job_whose_revocation_is_gone_ends_with_that_reason() -> None:
    job = work(jobs.enqueue("revocation", subject="rvk_0", project_id=None))
    assert (job.status, "gone" in job.last_error) == ("failed", True)
