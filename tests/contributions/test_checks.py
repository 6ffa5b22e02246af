from datetime import timedelta

import pytest
from django.utils import timezone

from contributions.checks import Attested
from tests.factories import (
    AttestationFactory,
    ComparisonFactory,
    EventFactory,
    ImprovementFactory,
    ModelVersionFactory,
)

pytestmark = pytest.mark.django_db


def test_without_an_improvement_there_is_nothing_to_attest() -> None:
    assert Attested().run(ModelVersionFactory()).passed


def test_a_signed_improvement_passes_and_names_the_statement() -> None:
    attestation = AttestationFactory()
    result = Attested().run(attestation.improvement.candidate)
    assert result.passed
    assert attestation.statement_id[:12] in result.message


def test_an_improvement_that_nobody_signed_fails() -> None:
    result = Attested().run(ImprovementFactory().candidate)
    assert not result.passed
    assert "worked out" in result.message


@pytest.mark.parametrize(("status", "words"), [("pending", "not signed"), ("revoked", "revoked")])
def test_only_a_signature_that_stands_counts(status: str, words: str) -> None:
    attestation = AttestationFactory(status=status)
    result = Attested().run(attestation.improvement.candidate)
    assert not result.passed
    assert words in result.message


def test_an_acceptance_whose_credit_is_not_settled_waits() -> None:
    comparison = ComparisonFactory(status="accepted", decided_at=timezone.now())
    assert not Attested().run(comparison.candidate).passed
    EventFactory(tag="improvement:refused", subject=comparison.public_id)
    assert Attested().run(comparison.candidate).passed


def test_the_baseline_of_an_improvement_claims_nothing() -> None:
    assert Attested().run(ImprovementFactory().baseline).passed


def test_an_attestation_that_expired_no_longer_counts() -> None:
    attestation = AttestationFactory(expires_at=timezone.now() - timedelta(seconds=1))
    result = Attested().run(attestation.improvement.candidate)
    assert not result.passed
    assert "expired" in result.message
