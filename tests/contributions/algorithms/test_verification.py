import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from contributions.algorithms.statement import StatementError, statement_id
from contributions.algorithms.verification import verify_attestation
from hokusai.core.canonical import canonical_bytes
from hokusai.signers.algorithms.dsse import EnvelopeError, encode_envelope, key_id, sign
from tests.contributions.algorithms.examples import statement

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
ENVELOPE = encode_envelope(sign(canonical_bytes(statement()), KEY))


def test_a_valid_attestation_says_what_it_proves() -> None:
    verified = verify_attestation(ENVELOPE, [PEM])

    assert verified.id == statement_id(statement())
    assert verified.statement == statement()
    assert verified.key_ids == (key_id(KEY.public_key()),)
    assert (verified.candidate_digest, verified.baseline_digest) == ("a" * 64, "b" * 64)
    assert (verified.metric, verified.delta, verified.accepted) == ("accuracy", 18_250, True)
    assert verified.shares == {"con_1": 6667, "con_2": 3333}


@settings(deadline=None)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, mask: int) -> None:
    changed = bytearray(ENVELOPE)
    changed[place] ^= mask

    with pytest.raises(EnvelopeError):
        verify_attestation(bytes(changed), [PEM])


def test_a_signature_does_not_excuse_wrong_sums() -> None:
    made = statement()
    made["predicate"]["metrics"][0]["delta"] += 1

    with pytest.raises(StatementError, match="delta"):
        verify_attestation(encode_envelope(sign(canonical_bytes(made), KEY)), [PEM])


def test_without_the_key_nothing_is_proven() -> None:
    with pytest.raises(EnvelopeError):
        verify_attestation(ENVELOPE, [])
