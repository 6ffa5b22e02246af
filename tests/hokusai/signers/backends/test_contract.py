"""What every keeper of keys does, held against each: a file, a variable, AWS KMS."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

from hokusai.signers.algorithms import secp256k1
from hokusai.signers.backends.base import KeyBackend
from hokusai.signers.backends.kms import KmsKey
from hokusai.signers.backends.pem import EnvironmentKey, FileKey
from hokusai.signers.backends.signer import Signer
from hokusai.signers.choices import Purpose
from hokusai.signers.exceptions import SignerUnavailable, SignerUnusable
from tests.hokusai.signers.keys import PrivateKey, half_of, new_key, pem_of
from tests.hokusai.signers.kms import ARN, KmsServer, kms_server

Keeper = Callable[[PrivateKey | None], KeyBackend]
KEEPERS = ("file", "environment", "kms")
PURPOSES = {"ed25519": Purpose.ATTESTATION, "secp256k1": Purpose.CHAIN}


@pytest.fixture(scope="module")
def server() -> Iterator[KmsServer]:
    with kms_server() as running:
        yield running


@pytest.fixture
def kms(server: KmsServer, monkeypatch: pytest.MonkeyPatch) -> KmsServer:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-a-test")
    server.keys.clear()
    server.asked.clear()
    server.fails_with = ""
    return server


def kms_key(server: KmsServer) -> KmsKey:
    return KmsKey(key=ARN, region="eu-central-1", endpoint_url=server.url, timeout_s=5, attempts=1)


@pytest.fixture(params=KEEPERS)
def keeper(
    request: pytest.FixtureRequest,
    kms: KmsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Keeper:
    """Gives a key, or none, to a keeper of each kind."""

    def in_file(key: PrivateKey | None) -> KeyBackend:
        if key is not None:
            (tmp_path / "key.pem").write_text(pem_of(key))
        return FileKey(path=str(tmp_path / "key.pem"))

    def in_variable(key: PrivateKey | None) -> KeyBackend:
        monkeypatch.delenv("OF_A_TEST", raising=False)
        if key is not None:
            monkeypatch.setenv("OF_A_TEST", pem_of(key).replace("\n", "\\n"))
        return EnvironmentKey(variable="OF_A_TEST")

    def in_kms(key: PrivateKey | None) -> KeyBackend:
        if key is not None:
            kms.keys[ARN] = key
        return kms_key(kms)

    made: Keeper = {"file": in_file, "environment": in_variable, "kms": in_kms}[request.param]
    return made


@pytest.mark.parametrize("kind", PURPOSES)
def test_it_publishes_the_public_half(keeper: Keeper, kind: str) -> None:
    key = new_key(kind)
    assert keeper(key).public_half() == half_of(key)


def test_it_signs_bytes_with_ed25519(keeper: Keeper) -> None:
    key = new_key("ed25519")
    signer = Signer.of(Purpose.LOG, keeper(key))
    signature = signer.sign(b"checkpoint")
    key.public_key().verify(signature, b"checkpoint")
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"another")


def test_it_signs_digests_with_a_low_s_and_a_v_that_recovers(keeper: Keeper) -> None:
    key = new_key("secp256k1")
    signer = Signer.of(Purpose.CHAIN, keeper(key))
    seen = set()
    for number in range(64):
        digest = hashlib.sha256(str(number).encode()).digest()
        signature = signer.sign_digest(digest)
        assert secp256k1.recover(digest, signature) == signer.address == half_of(key).address
        seen.add(signature[-1])
        if len(seen) == 2:
            break
    assert seen == {27, 28}


@pytest.mark.parametrize("kind", PURPOSES)
def test_it_signs_nothing_that_its_kind_does_not(keeper: Keeper, kind: str) -> None:
    backend = keeper(new_key(kind))
    with pytest.raises(SignerUnusable):
        _ = backend.sign_hashed(b"\1" * 32) if kind == "ed25519" else backend.sign_bytes(b"data")
    signer = Signer.of(PURPOSES[kind], backend)
    with pytest.raises(SignerUnusable):
        _ = signer.sign_digest(b"\1" * 32) if kind == "ed25519" else signer.sign(b"data")


def test_it_refuses_a_digest_of_another_length(keeper: Keeper) -> None:
    backend = keeper(new_key("secp256k1"))
    with pytest.raises(SignerUnusable):
        backend.sign_hashed(b"\1" * 31)
    with pytest.raises(SignerUnusable):
        Signer.of(Purpose.CHAIN, backend).sign_digest(b"\1" * 33)


def test_without_a_key_it_says_so(keeper: Keeper) -> None:
    backend = keeper(None)
    with pytest.raises(SignerUnusable):
        backend.public_half()


def test_a_key_for_another_purpose_is_refused(keeper: Keeper) -> None:
    with pytest.raises(SignerUnusable, match="is Ed25519, not ECDSA on secp256k1"):
        Signer.of(Purpose.CHAIN, keeper(new_key("ed25519")))


@pytest.mark.parametrize("content", ["", "no key", pem_of(new_key("p256")).replace("A", "B")])
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(content)
    with pytest.raises(SignerUnusable) as refused:
        FileKey(path=str(path)).public_half()
    assert str(path) in str(refused.value)
    assert not content or content not in str(refused.value)


def test_kms_is_given_digests_as_they_are(kms: KmsServer) -> None:
    kms.keys[ARN] = new_key("secp256k1")
    Signer.of(Purpose.CHAIN, kms_key(kms)).sign_digest(b"\7" * 32)
    assert kms.asked[-1]["MessageType"] == "DIGEST"
    assert kms.asked[-1]["SigningAlgorithm"] == "ECDSA_SHA_256"


def test_kms_signs_no_more_than_4096_bytes(kms: KmsServer) -> None:
    kms.keys[ARN] = new_key("ed25519")
    signer = Signer.of(Purpose.ATTESTATION, kms_key(kms))
    assert len(signer.sign(b"x" * 4_096)) == 64
    with pytest.raises(SignerUnusable, match="at most 4,096 bytes"):
        signer.sign(b"x" * 4_097)


def test_kms_that_has_trouble_is_asked_again_later(kms: KmsServer) -> None:
    for trouble in ("KMSInternalException", "ThrottlingException"):
        kms.fails_with = trouble
        with pytest.raises(SignerUnavailable):
            kms_key(kms).public_half()
    kms.fails_with = "AccessDeniedException"
    with pytest.raises(SignerUnusable, match="AccessDeniedException"):
        kms_key(kms).public_half()


def test_a_kms_that_is_not_there_is_asked_again_later(kms: KmsServer) -> None:
    nowhere = KmsKey(
        key=ARN,
        region="eu-central-1",
        endpoint_url="http://127.0.0.1:9",
        timeout_s=1,
        attempts=1,
    )
    with pytest.raises(SignerUnavailable, match="did not answer"):
        nowhere.public_half()


class Liar(FileKey):
    """Answers with the signature of another key."""

    def sign_bytes(self, data: bytes) -> bytes:
        return new_key("ed25519").sign(data)

    def sign_hashed(self, digest: bytes) -> tuple[int, int]:
        return 1, 1


@pytest.mark.parametrize("kind", PURPOSES)
def test_a_signature_that_does_not_hold_is_not_handed_out(tmp_path: Path, kind: str) -> None:
    (tmp_path / "key.pem").write_text(pem_of(new_key(kind)))
    signer = Signer.of(PURPOSES[kind], Liar(path=str(tmp_path / "key.pem")))
    with pytest.raises(SignerUnusable, match="not its signature"):
        _ = signer.sign(b"data") if kind == "ed25519" else signer.sign_digest(b"\1" * 32)
