import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone
from pytest_django import Settings

from contributions import signing, status_lists
from contributions.algorithms.verification import verify_attestation
from contributions.attesting import ask_for_attestation
from contributions.models import (
    Attestation,
    AttestationSignature,
    Attribution,
    Improvement,
    SigningPolicy,
)
from contributions.signing_policies import set_signing_policy
from contributions.statements import statement_of
from experiments.models import Comparison, Evaluation
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.canonical import canonical_bytes, sha256_hex
from hokusai.core.models import Event, Job
from hokusai.core.services import retry_job
from hokusai.signers.algorithms import dsse, eip712
from hokusai.signers.algorithms.dsse import EnvelopeError
from hokusai.signers.domains import chain_domain
from hokusai.signers.models import SigningKey
from hokusai.signers.services import admit, signer_for
from hokusai.storage import stores
from hokusai.storage.memory import MemoryStore
from registry.models import LineageEdge
from tests.contributions.deciding import credited, decided
from tests.contributions.signers import CHAIN, KEY, OTHER, Private, public_pem, signers
from tests.contributions.world import measured
from tests.factories import UserFactory
from tests.measuring import HELD_OUT, Bench, Workshop, bench, settle, table, work

pytestmark = pytest.mark.django_db
PUBLIC = public_pem(KEY)
ROWS = slice(HELD_OUT.start, HELD_OUT.start + 200)
Hold = Callable[..., None]


@pytest.fixture
def hold(settings: Settings, tmp_path: Path) -> Hold:
    """Gives this process keys by purpose; without any, it holds none."""

    def hold(**keys: Private) -> None:
        settings.SIGNERS = signers(tmp_path, **keys)

    hold(attestation=KEY)
    return hold


@pytest.fixture
def of() -> Bench:
    return bench(table(ROWS), guardrails=[{"metric": "log_loss", "margin_ppm": 50_000}])


@pytest.fixture
def improvement(of: Bench) -> Improvement:
    """An improvement that was really decided, with two people's shares, not yet signed."""
    return credited(decided(of))


def sign(improvement: Improvement) -> tuple[Attestation, Job]:
    job = work(improvement.attestation.job)
    return Attestation.objects.get(improvement=improvement), job


def again(job: Job, improvement: Improvement) -> tuple[Attestation, Job]:
    retry_job(job_id=job.pk, actor=actor_of(UserFactory()))
    return sign(improvement)


def refused(improvement: Improvement, reason: str) -> Job:
    """The job fails for this reason, nothing is signed, and an event says so."""
    attestation, job = sign(improvement)
    assert (attestation.status, attestation.statement, job.status) == ("pending", "", "failed")
    assert reason in job.last_error
    event = Event.objects.filter(tag="attestation:refused").latest("id")
    assert reason in event.after["reason"]
    assert not Event.objects.filter(tag="attestation:signed").exists()
    return job


def test_a_signed_statement_is_verified_with_the_public_key_alone(
    improvement: Improvement, hold: Hold
) -> None:
    attestation, job = sign(improvement)
    assert (attestation.status, job.status) == ("signed", "succeeded"), job.last_error
    verified = verify_attestation(dsse.encode_envelope(attestation.envelope), [PUBLIC])
    assert verified.id == attestation.statement_id == sha256_hex(attestation.statement.encode())
    assert verified.key_ids == (attestation.key_id,)
    assert verified.candidate_digest == improvement.candidate.tree_digest
    assert verified.baseline_digest == improvement.baseline.tree_digest
    assert (verified.metric, verified.delta) == ("accuracy", improvement.delta_ppm)
    assert sum(verified.shares.values()) == 10_000
    assert SigningKey.objects.get().public_pem == PUBLIC
    library = dsse.verify_with_library(attestation.envelope, [KEY.public_key()])
    assert library == {attestation.key_id}
    assert attestation.eip712 == {}
    assert attestation.expires_at - attestation.issued_at == timedelta(days=730)


def test_a_signed_statement_is_a_record_of_the_log(improvement: Improvement, hold: Hold) -> None:
    attestation, _ = sign(improvement)
    record = attestation.log_record
    assert (record.kind, record.subject) == ("attestation", f"att_{attestation.statement_id}")
    assert record.digest == attestation.statement_id
    assert record.key_id == attestation.key_id


def test_an_accepted_comparison_leads_to_a_signature_without_anybody_asking(
    measuring: Workshop, hold: Hold
) -> None:
    comparison, _, _ = measured(bench(), measuring)
    settle()
    improvement = Improvement.objects.get(comparison=comparison)
    assert improvement.attestation.status == "signed"
    assert improvement.model.head == comparison.candidate
    listed = status_lists.entry_and_proof(improvement.attestation)
    assert listed is not None
    assert listed.status == "valid"


def test_the_statement_is_made_again_from_stored_rows_byte_for_byte(
    improvement: Improvement, hold: Hold, of: Bench
) -> None:
    attestation, _ = sign(improvement)
    of.project.name, of.model.name, of.benchmark.name = "Renamed", "Renamed", "Renamed"
    for row in (of.project, of.model, of.benchmark):
        row.save()
    again = canonical_bytes(statement_of(Improvement.objects.get(pk=improvement.pk)))
    assert again == attestation.statement.encode()
    # Ed25519 is deterministic: the same rows under the same key are the same envelope.
    assert dsse.sign(again, KEY) == attestation.envelope


def test_a_signature_is_told_to_lineage_tags_and_the_record(
    improvement: Improvement, hold: Hold
) -> None:
    attestation, _ = sign(improvement)
    tag = improvement.candidate.tags.get(key="hokusai.attestation")
    assert tag.value == attestation.statement_id
    event = Event.objects.get(tag="attestation:signed")
    assert event.after == {"key_id": attestation.key_id, "signatures": 1}
    assert LineageEdge.objects.filter(
        src__public_id=improvement.public_id, kind="attested"
    ).exists()


def test_no_byte_of_an_envelope_can_change(improvement: Improvement, hold: Hold) -> None:
    envelope = dsse.encode_envelope(sign(improvement)[0].envelope)
    for place in range(0, len(envelope), 101):
        broken = bytearray(envelope)
        broken[place] ^= 1
        with pytest.raises((EnvelopeError, ValueError)):
            verify_attestation(bytes(broken), [PUBLIC])
    with pytest.raises(EnvelopeError):
        verify_attestation(envelope, [public_pem(Ed25519PrivateKey.generate())])


def test_with_a_key_for_a_chain_the_same_gain_is_signed_for_it_too(
    improvement: Improvement, hold: Hold
) -> None:
    hold(attestation=KEY, chain=CHAIN)
    attestation, _ = sign(improvement)
    made = attestation.eip712
    message = made["typed_data"]["message"]
    signature = bytes.fromhex(made["signature"][2:])
    assert eip712.recover(chain_domain(), message, signature) == made["signer"]
    assert SigningKey.objects.get(purpose="chain").address == made["signer"]
    assert message["attestationId"] == f"0x{attestation.statement_id}"
    assert message["delta"] == improvement.delta_ppm
    assert sum(entry["weightBps"] for entry in message["contributors"]) == 10_000
    assert message["deadline"] == int(attestation.expires_at.timestamp())


def test_without_a_key_nothing_is_signed_and_a_retry_with_one_signs(
    improvement: Improvement, hold: Hold
) -> None:
    hold()
    job = refused(improvement, "holds no key")
    assert not SigningKey.objects.exists()
    hold(attestation=KEY)
    assert again(job, improvement)[0].status == "signed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_until": -1}, "it expired"),
        ({"valid_until": -1, "retired_at": -1}, "it was retired"),
        ({"compromised_at": -1}, "it is compromised"),
    ],
    ids=["expired", "retired", "compromised"],
)
def test_a_key_that_ended_between_evaluation_and_signing_signs_nothing(
    improvement: Improvement, hold: Hold, changes: dict[str, int], reason: str
) -> None:
    key = admit(signer=signer_for("attestation"))
    ago = {name: timezone.now() + timedelta(days=days) for name, days in changes.items()}
    index = {"compromised_from_index": 0} if "compromised_at" in ago else {}
    begun = timezone.now() - timedelta(days=2)
    SigningKey.objects.filter(pk=key.pk).update(valid_from=begun, **ago, **index)
    refused(improvement, reason)


def test_outcomes_that_were_tampered_with_are_not_signed(
    improvement: Improvement, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = improvement.comparison.evaluations.get(role="candidate")
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    kept = store.blobs
    content = kept[row.outcomes_digest]
    monkeypatch.setitem(kept, row.outcomes_digest, content.replace(b"0", b"1", 1))
    job = refused(improvement, "not what was measured")
    monkeypatch.undo()
    assert again(job, improvement)[0].status == "signed"


def test_outcomes_that_were_exchanged_are_not_signed(improvement: Improvement, hold: Hold) -> None:
    row = improvement.comparison.evaluations.get(role="candidate")
    lines = stores["default"].get(row.outcomes_digest).split(b"\n")
    better = [json.loads(line) | {"accuracy": [1_000_000]} for line in lines]
    other = stores["default"].put(b"\n".join(canonical_bytes(line) for line in better))
    Evaluation.objects.filter(pk=row.pk).update(outcomes_digest=other)
    refused(improvement, "the root of the outcomes of the candidate")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found.update(interval_low=found["interval_high"] + 1), "interval_low"),
        (lambda found: found.update(p_e9=found["p_e9"] + 1), "p_e9"),
        (lambda found: found["guardrails"][0].update(harm_upper=-1), "harm_upper"),
        (lambda found: found["evidence"]["accuracy"].update(c=0), "the evidence"),
        (lambda found: found["evaluator"].update(isolation_tier="Z"), "isolationTier"),
        (lambda found: found.pop("evaluator"), "not true of its rows"),
    ],
    ids=["interval", "p", "guardrail", "evidence", "tier", "evaluator"],
)
def test_numbers_that_the_outcomes_do_not_give_are_not_signed(
    improvement: Improvement, hold: Hold, change: Callable[[dict], object], reason: str
) -> None:
    comparison = improvement.comparison
    change(comparison.statistics)
    comparison.save()
    refused(improvement, reason)


def test_a_gain_or_verdict_that_was_changed_is_not_signed(
    improvement: Improvement, hold: Hold
) -> None:
    own = Comparison.objects.filter(pk=improvement.comparison_id)
    own.update(delta_ppm=improvement.delta_ppm + 1)
    job = refused(improvement, "the gain")
    own.update(delta_ppm=improvement.delta_ppm, reason="regression")
    retry_job(job_id=job.pk, actor=actor_of(UserFactory()))
    refused(improvement, "the reason")


def test_shares_that_do_not_sum_are_not_signed(improvement: Improvement, hold: Hold) -> None:
    share = improvement.shares.first()
    share.basis_points -= 1
    share.save()
    refused(improvement, "9999")


def test_signing_twice_is_the_same_as_once(improvement: Improvement, hold: Hold) -> None:
    before, job = sign(improvement)
    Job.objects.filter(pk=job.pk).update(status="queued")
    after, _ = sign(improvement)
    assert (after.envelope, after.signed_at) == (before.envelope, before.signed_at)
    assert Event.objects.filter(tag="attestation:signed").count() == 1


def test_asking_twice_is_one_attestation(improvement: Improvement) -> None:
    first = improvement.attestation
    assert ask_for_attestation(improvement) == first
    assert Job.objects.filter(kind="attestation").count() == 1


def policy(improvement: Improvement, required: int, *keys: Private) -> SigningPolicy:
    """Asks for signatures of these keys, which are introduced first."""
    for key in keys:
        SigningKey.objects.get_or_create(
            key_id=dsse.key_id(key.public_key()), defaults={"public_pem": public_pem(key)}
        )
    return set_signing_policy(
        project=improvement.project,
        required=required,
        key_ids=[dsse.key_id(key.public_key()) for key in keys],
        actor=actor_of(UserFactory()),
    )


def test_two_of_two_signers_wait_for_each_other(improvement: Improvement, hold: Hold) -> None:
    policy(improvement, 2, KEY, OTHER)
    attestation, job = sign(improvement)
    assert (attestation.status, attestation.envelope) == ("pending", {})
    assert "1 of 2 signatures" in job.log
    assert signing.cosign_pending() == []
    hold(attestation=OTHER)
    [outcome] = signing.cosign_pending()
    assert (outcome.signed, outcome.text) == (True, "complete")
    done = Attestation.objects.get(pk=attestation.pk)
    assert (done.status, done.statement_id) == ("signed", attestation.statement_id)
    opened = dsse.open_envelope(
        dsse.encode_envelope(done.envelope), [KEY.public_key(), OTHER.public_key()]
    )
    assert opened.key_ids == tuple(dsse.key_id(key.public_key()) for key in (KEY, OTHER))
    assert done.log_record is not None
    assert signing.cosign_pending() == []
    tags = Event.objects.filter(tag__startswith="attestation:").order_by("id")
    assert list(tags.values_list("tag", flat=True)) == [
        "attestation:cosigned",
        "attestation:signed",
    ]


def test_a_further_signer_recomputes_by_itself(improvement: Improvement, hold: Hold) -> None:
    policy(improvement, 2, KEY, OTHER)
    attestation, _ = sign(improvement)
    hold(attestation=OTHER)
    share = improvement.shares.first()
    given = share.contribution
    given.licence = "CC0-1.0"
    given.save()
    [outcome] = signing.cosign_pending()
    assert not outcome.signed
    assert "no longer say what the first signer signed" in outcome.text
    assert AttestationSignature.objects.filter(attestation=attestation).count() == 1


def test_only_keys_of_the_policy_sign(improvement: Improvement, hold: Hold) -> None:
    policy(improvement, 1, OTHER)
    refused(improvement, "names no key of this process")


def test_a_signature_by_a_key_that_was_compromised_since_does_not_count(
    improvement: Improvement, hold: Hold
) -> None:
    policy(improvement, 2, KEY, OTHER)
    sign(improvement)
    SigningKey.objects.filter(key_id=dsse.key_id(KEY.public_key())).update(
        compromised_at=timezone.now(), compromised_from_index=0
    )
    hold(attestation=OTHER)
    [outcome] = signing.cosign_pending()
    assert (outcome.signed, outcome.text) == (
        True,
        "1 of 2 signatures; waiting for further signers",
    )


def test_what_waits_is_complete_once_fewer_are_asked_for(
    improvement: Improvement, hold: Hold
) -> None:
    policy(improvement, 2, KEY, OTHER)
    sign(improvement)
    policy(improvement, 1, KEY, OTHER)
    [outcome] = signing.cosign_pending()
    assert outcome.text == "complete"


def test_a_job_whose_improvement_is_gone_ends_with_that_reason() -> None:
    job = work(jobs.enqueue("attestation", subject="imp_0", project_id=None))
    assert (job.status, "gone" in job.last_error) == ("failed", True)


@pytest.fixture
def attribution(improvement: Improvement) -> Attribution:
    """Two people whose worth a report holds: of a whole of 10,000 the first has 6,000."""
    players, persons = [], []
    for share, value in zip(improvement.shares.all(), (600, 400), strict=True):
        given = share.contribution
        address = given.wallet.address
        players.append({"address": address, "contributions": {given.public_id: 100}})
        persons.append({"address": address, "valueE9": str(value), "lowE9": "1", "highE9": "900"})
    report = stores["default"].put(canonical_bytes({"persons": persons}))
    made: Attribution = Attribution.objects.create(
        improvement=improvement,
        method="exact-shapley/1",
        status="done",
        players=players,
        report_digest=report,
    )
    return made


def test_shares_that_the_report_gives_are_signed(
    attribution: Attribution, improvement: Improvement, hold: Hold
) -> None:
    attestation, job = sign(improvement)
    assert attestation.status == "signed", job.last_error
    assert f'"report":{{"sha256":"{attribution.report_digest}"}}' in attestation.statement


def test_shares_that_the_report_does_not_give_are_not_signed(
    attribution: Attribution, improvement: Improvement, hold: Hold
) -> None:
    first, second = improvement.shares.all()
    for share, points in ((first, 9_000), (second, 1_000)):
        share.basis_points = points
        share.save()
    refused(improvement, "the shares")


def test_credit_that_is_not_worked_out_or_has_no_report_is_not_signed(
    attribution: Attribution, improvement: Improvement, hold: Hold
) -> None:
    attribution.status = "pending"
    attribution.save()
    job = refused(improvement, "not worked out")
    attribution.status, attribution.report_digest = "done", "0" * 64
    attribution.save()
    retry_job(job_id=job.pk, actor=actor_of(UserFactory()))
    refused(improvement, "report of the attribution does not hold")


def test_more_than_the_data_did_is_not_payable(of: Bench, hold: Hold) -> None:
    improvement = credited(decided(of, baseline=60, control=75, candidate=80))
    Improvement.objects.filter(pk=improvement.pk).update(payable_ppm=50_001, payable_reason="")
    refused(Improvement.objects.get(pk=improvement.pk), "More is payable than the added data did")
