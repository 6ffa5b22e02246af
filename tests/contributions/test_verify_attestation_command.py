from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.utils import timezone

from contributions.algorithms.dsse import encode_envelope, key_id, sign
from contributions.algorithms.statement import statement_id
from contributions.signing import public_pem
from hokusai.core.canonical import canonical_bytes
from hokusai.signers.models import SigningKey
from tests.contributions.algorithms.examples import statement

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENVELOPE = encode_envelope(sign(canonical_bytes(statement()), KEY))


@pytest.fixture
def envelope(tmp_path: Path) -> Path:
    path = tmp_path / "envelope.json"
    path.write_bytes(ENVELOPE)
    return path


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(public_pem(KEY))
    return path


def verify(*arguments: object) -> str:
    output = StringIO()
    call_command("verify_attestation", *map(str, arguments), stdout=output)
    return output.getvalue()


def publish(**fields: object) -> None:
    SigningKey.objects.create(key_id=key_id(KEY.public_key()), public_pem=public_pem(KEY), **fields)


def test_a_public_key_is_enough_without_any_database(envelope: Path, key_file: Path) -> None:
    said = verify(envelope, "--key", key_file)
    assert f"Verified {statement_id(statement())}" in said
    assert "accuracy: +1.8250 percentage points" in said
    assert "con_1: 66.67 %" in said
    assert key_id(KEY.public_key()) in said


def test_one_of_several_keys_is_enough(envelope: Path, key_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(public_pem(Ed25519PrivateKey.generate()))
    assert "Verified" in verify(envelope, "--key", other, "--key", key_file)


def test_another_key_does_not_verify_it(envelope: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(public_pem(Ed25519PrivateKey.generate()))
    with pytest.raises(CommandError, match="Not verified"):
        verify(envelope, "--key", other)


@pytest.mark.parametrize("place", range(0, len(ENVELOPE), 97))
def test_one_flipped_byte_is_not_verified(envelope: Path, key_file: Path, place: int) -> None:
    broken = bytearray(ENVELOPE)
    broken[place] ^= 1
    envelope.write_bytes(broken)
    with pytest.raises(CommandError, match="Not verified"):
        verify(envelope, "--key", key_file)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", ENVELOPE + b"\n", b"[" * 100_000])
def test_what_is_no_envelope_is_not_verified(
    envelope: Path, key_file: Path, content: bytes
) -> None:
    envelope.write_bytes(content)
    with pytest.raises(CommandError, match="Not verified"):
        verify(envelope, "--key", key_file)


def test_files_that_cannot_be_read_are_not_verified(
    envelope: Path, key_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="Not verified"):
        verify(tmp_path / "absent.json", "--key", key_file)
    with pytest.raises(CommandError, match="Not verified"):
        verify(envelope, "--key", tmp_path / "absent.pem")
    key_file.write_bytes(b"\xff")
    with pytest.raises(CommandError, match="Not verified"):
        verify(envelope, "--key", key_file)


@pytest.mark.django_db
def test_without_a_key_the_instances_own_are_used(envelope: Path) -> None:
    with pytest.raises(CommandError):
        verify(envelope)
    publish()
    assert "Verified" in verify(envelope)


@pytest.mark.django_db
def test_what_a_compromised_key_signed_proves_nothing(envelope: Path) -> None:
    publish(compromised_at=timezone.now(), compromised_from_index=0)
    with pytest.raises(CommandError, match="Not verified"):
        verify(envelope)
