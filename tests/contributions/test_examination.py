from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from contributions import examination, status_lists
from contributions.attesting import ask_for_attestation
from contributions.examination import Check, examine, proof_of
from contributions.models import Attestation, Improvement, SigningPolicy
from contributions.revocations import request_revocation
from hokusai.accounts.services import actor_of
from hokusai.core.canonical import canonical_bytes
from hokusai.core.errors import Conflict
from hokusai.core.merkle import leaf_hash
from hokusai.signers.models import SigningKey
from hokusai.transparency import services as log
from hokusai.transparency.algorithms.proofs import verify_inclusion
from tests.contributions.algorithms.examples import FIRST, first_statement
from tests.contributions.deciding import credited, decided
from tests.contributions.signers import CHAIN, KEY, OTHER, signers
from tests.factories import AttestationFactory, UserFactory
from tests.measuring import HELD_OUT, bench, table, work

pytestmark = pytest.mark.django_db
ROWS = slice(HELD_OUT.start, HELD_OUT.start + 100)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else does the work of these tests."""
    monkeypatch.setattr("hokusai.core.doorbell.ring", lambda *ring, **queue: None)


@pytest.fixture
def keys(settings: Settings, tmp_path: Path) -> Callable[..., None]:
    def hold(**more: object) -> None:
        settings.SIGNERS = signers(tmp_path, attestation=KEY, **more)

    return hold


def signed() -> Attestation:
    improvement = credited(decided(bench(table(ROWS))))
    job = work(improvement.attestation.job)
    assert job.status == "succeeded", job.last_error
    return Attestation.objects.get(improvement=improvement)


@pytest.fixture
def attestation(keys: Callable[..., None]) -> Attestation:
    keys()
    return signed()


def check(attestation: Attestation, code: str) -> Check:
    fresh = Attestation.objects.get(pk=attestation.pk)
    [found] = [item for item in examine(fresh).checks if item.code == code]
    return found


def fails(attestation: Attestation, code: str, words: str) -> None:
    found = check(attestation, code)
    assert (found.holds, words in found.text) == (False, True), found


def test_a_fresh_attestation_holds_and_says_what_is_still_open(attestation: Attestation) -> None:
    status_lists.refresh()
    found = examine(attestation)
    assert found.holds
    assert not found.complete
    answers = {item.code: item.holds for item in found.checks}
    assert answers == {
        "form": True,
        "signatures": True,
        "keys": True,
        "rows": True,
        "decision": True,
        "log": None,
        "checkpoint": None,
        "status": True,
        "chain": None,
    }
    with pytest.raises(Conflict, match="next one"):
        proof_of(attestation)


@pytest.mark.django_db(transaction=True)
def test_in_a_signed_checkpoint_everything_holds(
    keys: Callable[..., None], settings: Settings, tmp_path: Path
) -> None:
    keys(chain=CHAIN, log=OTHER)
    settings.LEASE_S = 600.0
    attestation = signed()
    status_lists.refresh()
    log.sequence()
    assert log.sign_checkpoint()
    found = examine(Attestation.objects.get(pk=attestation.pk))
    assert found.complete, [item for item in found.checks if not item.holds]
    proof = proof_of(attestation)
    verify_inclusion(
        index=proof.index,
        size=proof.size,
        leaf_hash=leaf_hash(canonical_bytes(proof.leaf)),
        proof=[bytes.fromhex(hashed) for hashed in proof.hashes],
        root=bytes.fromhex(proof.root),
    )
    assert proof.leaf["statement"] == {"sha256": attestation.statement_id}
    assert proof.checkpoint.startswith("local/development/log")
    wrong = attestation.eip712 | {"signer": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
    Attestation.objects.filter(pk=attestation.pk).update(eip712=wrong)
    fails(attestation, "chain", "something else")


def test_a_changed_envelope_or_statement_fails(attestation: Attestation) -> None:
    entry = attestation.envelope["signatures"][0]
    other = attestation.envelope | {"signatures": [entry | {"sig": entry["sig"][4:] + "AAAA"}]}
    Attestation.objects.filter(pk=attestation.pk).update(envelope=other)
    fails(attestation, "signatures", "")
    Attestation.objects.filter(pk=attestation.pk).update(
        envelope=attestation.envelope, statement=FIRST.decode()
    )
    fails(attestation, "form", "id is not the digest")
    fails(attestation, "signatures", "another statement")


def test_fewer_signatures_than_the_project_asks_for_fail(attestation: Attestation) -> None:
    SigningPolicy.objects.create(
        project=attestation.project,
        required=2,
        key_ids=[attestation.key_id, "f" * 64],
        changed_by=UserFactory(),
    )
    fails(attestation, "signatures", "1 of the 2")


def test_a_key_that_was_compromised_or_not_valid_fails(attestation: Attestation) -> None:
    own = SigningKey.objects.filter(key_id=attestation.key_id)
    own.update(compromised_at=timezone.now(), compromised_from_index=0)
    fails(attestation, "keys", "compromised from entry 0")
    own.update(
        compromised_at=None,
        compromised_from_index=None,
        valid_from=timezone.now() - timedelta(days=2),
        valid_until=timezone.now() - timedelta(days=1),
    )
    fails(attestation, "keys", "not valid when it signed")


def test_rows_that_changed_since_fail(attestation: Attestation) -> None:
    share = attestation.improvement.shares.first()
    share.contribution.licence = "CC0-1.0"
    share.contribution.save()
    fails(attestation, "rows", "something else now")


def test_outcomes_that_changed_since_fail(attestation: Attestation) -> None:
    evaluation = attestation.improvement.comparison.evaluations.get(role="candidate")
    evaluation.outcomes_root = "0" * 64
    evaluation.save()
    fails(attestation, "decision", "the root of the outcomes of the candidate")


def test_many_rows_are_left_to_the_bundle(
    attestation: Attestation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "MOST_ROWS", 99)
    found = check(attestation, "decision")
    assert (found.holds, "bundle" in found.text) == (None, True)


def test_a_revoked_or_expired_attestation_fails(attestation: Attestation) -> None:
    Attestation.objects.filter(pk=attestation.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    fails(attestation, "status", "expired")
    asked = request_revocation(
        attestation_id=attestation.pk, reason="wrong", actor=actor_of(UserFactory())
    )
    assert work(asked.job).status == "succeeded"
    fails(attestation, "status", "revoked")


def test_a_record_about_something_else_fails(attestation: Attestation) -> None:
    Attestation.objects.filter(pk=attestation.pk).update(key_id="0" * 64)
    fails(attestation, "log", "something else")


def test_a_statement_of_version_1_is_checked_as_far_as_it_goes() -> None:
    attestation = AttestationFactory(statement=FIRST.decode())
    assert first_statement()["predicateType"].endswith(":v1")
    found = {item.code: item.holds for item in examine(attestation).checks}
    assert (found["form"], found["rows"], found["decision"], found["log"]) == (
        True,
        None,
        None,
        None,
    )


def test_two_askers_at_once_are_one_attestation(keys: Callable[..., None]) -> None:
    improvement = credited(decided(bench(table(ROWS))))
    assert ask_for_attestation(improvement) == improvement.attestation
    assert Improvement.objects.get(pk=improvement.pk).attestation == improvement.attestation
