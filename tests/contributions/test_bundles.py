import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from contributions import bundles
from contributions.bundles import BundleNotReady, NoBundle, bundle_of, trust_of_this_instance
from contributions.disclosure import disclose_row
from contributions.models import Attestation, Improvement
from contributions.revocations import request_revocation
from experiments.attempts import open_attempt
from experiments.choices import Split
from experiments.models import Benchmark
from hokusai.accounts.choices import Role
from hokusai.accounts.services import actor_of
from hokusai.transparency import services as log
from registry.services import read_rows
from tests.contributions.deciding import confirmed, credited, decided
from tests.contributions.signers import CHAIN, KEY, signers
from tests.contributions.world import give
from tests.docs.proofs import script
from tests.factories import AttestationFactory, ComparisonFactory, client_as, member
from tests.measuring import HELD_OUT, Bench, bench, settle, table, work

pytestmark = pytest.mark.django_db
ROWS = slice(HELD_OUT.start, HELD_OUT.start + 300)
LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
PATH = "/api/v1/attestations/{}/bundle"


@pytest.fixture(name="of")
def make_bench(settings: Settings, tmp_path: Path) -> Bench:
    settings.SIGNERS = signers(tmp_path, attestation=KEY, chain=CHAIN, log=LOG)
    guardrails = [{"metric": "log_loss", "margin_ppm": 50_000}]
    return bench(table(ROWS), guardrails=guardrails, confirmation_ppm=300_000)


@pytest.fixture(name="signed")
def sign(of: Bench) -> Attestation:
    """An attestation of a gain that was decided, confirmed and signed; nothing is logged yet."""
    comparison = decided(of)
    confirmed(comparison)
    improvement = credited(comparison)
    job = work(improvement.attestation.job)
    assert job.status == "succeeded", job.last_error
    return Attestation.objects.get(improvement=improvement)


def attested(improvement: Improvement) -> Attestation:
    """The attestation of an improvement, signed, and told by a checkpoint."""
    job = work(improvement.attestation.job)
    assert job.status == "succeeded", job.last_error
    checkpointed()
    return Attestation.objects.get(improvement=improvement)


def checkpointed() -> None:
    """Tell the log of keys and status, give every record its place, and sign."""
    settle()
    log.sequence()
    assert log.sign_checkpoint()


def judged(content: bytes, folder: Path, *arguments: str, command: str = "verify") -> str:
    (folder / "bundle.json").write_bytes(content)
    (folder / "trust.json").write_text(json.dumps(trust_of_this_instance()))
    verifier = script()
    trust = (folder / "trust.json").read_bytes()
    options = verifier.parser().parse_args([command, str(folder / "bundle.json"), *arguments])
    try:
        return str(verifier.run(options, trust)[1])
    except verifier.Rejected as error:
        return f"INVALID {error}"


def test_a_bundle_of_the_platform_is_valid_to_a_stranger(
    signed: Attestation, tmp_path: Path
) -> None:
    checkpointed()
    content = bundle_of(signed)
    said = judged(content, tmp_path)
    assert f"VALID      attestation {signed.statement_id}" in said
    for proven in (
        "attempt 1 on these rows",
        "accuracy: scores, gain, bounds and test, repeated from",
        "log_loss: scores, gain, bounds and test, repeated from",
        "confirmation: repeated from",
        f"EIP-712 signature of {signed.eip712['signer']}",
    ):
        assert proven in said
    assert bundle_of(signed) == content


def test_earlier_attempts_on_the_rows_are_in_the_bundle_by_digest_alone(
    of: Bench, tmp_path: Path
) -> None:
    other = ComparisonFactory(benchmark=of.benchmark)
    with transaction.atomic():
        open_attempt(other, Split.SCREENING, 1)
    comparison = decided(of)
    confirmed(comparison)
    content = bundle_of(attested(credited(comparison)))
    assert other.public_id not in content.decode()
    # The comparison says that it was the first.
    assert "at least attempt 2 by the log" in judged(content, tmp_path)


def test_a_given_row_is_proven_with_the_platforms_bundle(of: Bench, tmp_path: Path) -> None:
    given = give(of, table(slice(HELD_OUT.stop, HELD_OUT.stop + 5)))
    comparison = decided(of)
    confirmed(comparison)
    improvement = credited(comparison, 10_000)
    improvement.shares.update(contribution=given)
    attestation = attested(improvement)
    shown = disclose_row(contribution=given, actor=actor_of(given.submitted_by), index=3)
    assert shown["attestations"] == [attestation.statement_id]
    (tmp_path / "row.json").write_text(json.dumps(shown))
    verifier, content = script(), bundle_of(attestation)
    assert "VALID" in judged(content, tmp_path)
    paths = [str(tmp_path / name) for name in ("row.json", "bundle.json")]
    trust = (tmp_path / "trust.json").read_bytes()
    facts, _ = verifier.run(verifier.parser().parse_args(["disclosure", *paths]), trust)
    assert (facts["row"], facts["contribution"]) == (3, given.public_id)
    first = read_rows(given.dataset_version).columns["p0"][3]
    assert facts["cells"][0] == repr(first)


def test_a_bundle_waits_for_the_checkpoint(signed: Attestation) -> None:
    with pytest.raises(BundleNotReady, match=r"next checkpoint comes within \d+ s"):
        bundle_of(signed)
    checkpointed()
    assert bundle_of(signed)


def test_a_bundle_waits_for_its_own_record(of: Bench, signed: Attestation) -> None:
    log.sequence()
    assert log.sign_checkpoint()
    # Keys and status are told with the next delivery of events, after that checkpoint.
    settle()
    with pytest.raises(BundleNotReady, match="not in a checkpoint yet"):
        bundle_of(signed)


def test_a_revoked_attestation_has_a_bundle_that_says_so(
    signed: Attestation, tmp_path: Path
) -> None:
    checkpointed()
    person = actor_of(member(signed.project, Role.REVIEWER))
    request_revocation(attestation_id=signed.pk, reason="The benchmark leaked.", actor=person)
    settle()
    checkpointed()
    said = judged(bundle_of(Attestation.objects.get(pk=signed.pk)), tmp_path)
    assert said.startswith("INVALID Revoked at log index")
    assert "The benchmark leaked." in said


def test_rows_are_for_auditors_until_the_benchmark_is_retired(
    of: Bench, signed: Attestation, tmp_path: Path
) -> None:
    checkpointed()
    path = PATH.format(signed.statement_id)
    plain = client_as(of.project, Role.CONTRIBUTOR)
    assert plain.get(path).status_code == 200
    assert plain.get(path, {"rows": "1"}).status_code == 403
    auditor = client_as(of.project, Role.REVIEWER).get(path, {"rows": "1"})
    assert auditor.status_code == 200, auditor.content
    said = judged(auditor.content, tmp_path, command="outcome")
    assert "per-row outcomes are those that the statement commits to" in said
    Benchmark.objects.filter(pk=of.benchmark.pk).update(status="retired")
    assert plain.get(path, {"rows": "1"}).content == auditor.content


def test_the_api_answers_the_bundle_byte_for_byte_without_login(signed: Attestation) -> None:
    nobody = APIClient()
    path = PATH.format(signed.statement_id)
    early = nobody.get(path)
    assert (early.status_code, early.json()["code"]) == (409, "bundle_not_ready")
    checkpointed()
    answer = nobody.get(path)
    assert answer.content == bundle_of(signed)
    assert signed.statement_id in answer["Content-Disposition"]
    assert nobody.get(path, {"rows": "1"}).status_code in (401, 403)
    assert nobody.get("/api/v1/trust").json() == trust_of_this_instance()


def test_a_bundle_takes_a_bounded_number_of_queries(
    signed: Attestation, django_assert_max_num_queries: Any
) -> None:
    checkpointed()
    found = Attestation.objects.get(pk=signed.pk)
    with django_assert_max_num_queries(40):
        bundle_of(found)


def test_an_attestation_from_before_the_log_has_none() -> None:
    with pytest.raises(NoBundle):
        bundle_of(AttestationFactory())


def test_a_stolen_log_key_is_not_recommended(signed: Attestation) -> None:
    checkpointed()
    trust = trust_of_this_instance()
    assert len(trust["log"]) == 1
    keys = bundles.SigningKey.objects.filter(purpose="log")
    keys.update(compromised_at=timezone.now(), compromised_from_index=3)
    trust = trust_of_this_instance()
    assert trust["log"] == []
    assert trust["compromised"] == {keys.get().key_id: 3}
