import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai.core.canonical import CanonicalError
from hokusai.signers.algorithms.dsse import (
    EnvelopeError,
    encode_envelope,
    key_id,
    load_public_key,
    open_envelope,
    pre_authentication_encoding,
    sign,
    verify,
    verify_with_library,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PAYLOAD = b'{"a":1,"b":"text"}'
ENVELOPE = encode_envelope(sign(PAYLOAD, KEY))


def encoded(**changes: Any) -> bytes:
    return encode_envelope(sign(PAYLOAD, KEY) | changes)


def test_the_encoding_is_that_of_the_specification() -> None:
    encoding = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")

    assert encoding == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_signed_payload_comes_back() -> None:
    assert verify(ENVELOPE, [OTHER.public_key(), KEY.public_key()]) == PAYLOAD


def test_signing_is_deterministic() -> None:
    assert encode_envelope(sign(PAYLOAD, KEY)) == ENVELOPE


@settings(deadline=None)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, mask: int) -> None:
    changed = bytearray(ENVELOPE)
    changed[place] ^= mask

    with pytest.raises(EnvelopeError):
        verify(bytes(changed), [KEY.public_key()])


def test_two_keys_both_have_to_hold() -> None:
    envelope = sign(PAYLOAD, KEY, OTHER)
    keys = [KEY.public_key(), OTHER.public_key()]

    assert open_envelope(encode_envelope(envelope), keys).key_ids == tuple(map(key_id, keys))
    with pytest.raises(EnvelopeError, match="not known"):
        verify(encode_envelope(envelope), keys[:1])


def test_securesystemslib_counts_the_same_signatures() -> None:
    envelope = sign(PAYLOAD, KEY, OTHER)
    keys = [KEY.public_key(), OTHER.public_key()]

    assert verify_with_library(envelope, keys, 2) == frozenset(map(key_id, keys))
    with pytest.raises(EnvelopeError):
        verify_with_library(sign(PAYLOAD, KEY), keys, 2)
    other = sign(b"{}", KEY) | {"payload": envelope["payload"]}
    with pytest.raises(EnvelopeError):
        verify_with_library(other, keys)


def test_a_key_signs_once() -> None:
    with pytest.raises(EnvelopeError):
        sign(PAYLOAD, KEY, KEY)
    doubled = sign(PAYLOAD, KEY)["signatures"] * 2
    with pytest.raises(EnvelopeError, match="twice"):
        verify(encoded(signatures=doubled), [KEY.public_key()])


def test_a_key_id_must_belong_to_its_key() -> None:
    entry = sign(PAYLOAD, OTHER)["signatures"][0] | {"keyid": key_id(KEY.public_key())}
    with pytest.raises(EnvelopeError, match="does not hold"):
        verify(encoded(signatures=[entry]), [KEY.public_key(), OTHER.public_key()])


@pytest.mark.parametrize("payload", [b'{"a":1.5}', b'{"a": 1}', b'{"a":1,"a":1}', b"text"])
def test_only_canonical_payloads_are_signed_or_accepted(payload: bytes) -> None:
    with pytest.raises(CanonicalError):
        sign(payload, KEY)
    signature = KEY.sign(pre_authentication_encoding("application/vnd.in-toto+json", payload))
    entry = {
        "keyid": key_id(KEY.public_key()),
        "sig": base64.b64encode(signature).decode(),
    }
    envelope = encoded(payload=base64.b64encode(payload).decode(), signatures=[entry])

    with pytest.raises(EnvelopeError, match="canonical"):
        verify(envelope, [KEY.public_key()])


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"[]",
        b"null",
        json.dumps(sign(PAYLOAD, KEY)).encode(),
        ENVELOPE + b"\n",
        ENVELOPE.replace(b'"payload":', b'"payload":"","payload":', 1),
        encoded(signatures=[]),
        encoded(signatures={}),
        encoded(signatures=[1]),
        encoded(signatures=[{"keyid": key_id(KEY.public_key())}]),
        encoded(signatures=[{"keyid": 1, "sig": ""}]),
        encoded(payload=1),
        encoded(payload="a"),
        encoded(payload="\u00e9"),
        encoded(payload="eyJ h"),
        encoded(payloadType="application/json"),
        encoded(extra=1),
        b" " * (9 * 1024 * 1024),
    ],
)
def test_malformed_envelopes_are_refused(envelope: bytes) -> None:
    with pytest.raises(EnvelopeError):
        verify(envelope, [KEY.public_key()])


def test_base64_has_one_spelling() -> None:
    # The last letter before the padding carries unused bits.
    assert base64.b64decode("YR==") == base64.b64decode("YQ==")
    with pytest.raises(EnvelopeError, match="spelling"):
        verify(encoded(payload="YR=="), [KEY.public_key()])


def test_keys_are_read_from_pem() -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    assert key_id(load_public_key(pem.decode())) == key_id(KEY.public_key())
    with pytest.raises(EnvelopeError, match="PEM"):
        load_public_key("nothing")
    curve = generate_private_key(SECP256R1()).public_key()
    with pytest.raises(EnvelopeError, match="Ed25519"):
        load_public_key(curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
