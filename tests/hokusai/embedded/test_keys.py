from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hokusai.embedded import keys
from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import DataFolder


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (keys.signing_key, ed25519.Ed25519PrivateKey),
        (keys.log_key, ed25519.Ed25519PrivateKey),
        (keys.chain_key, ec.EllipticCurvePrivateKey),
        (keys.model_signing_key, ec.EllipticCurvePrivateKey),
    ],
)
def test_a_key_is_private_and_kept(folder: DataFolder, make, kind) -> None:
    path = make(folder)
    first = path.read_bytes()
    assert isinstance(load_pem_private_key(first, None), kind)
    assert first.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert path.stat().st_mode & 0o777 == 0o600
    assert make(folder).read_bytes() == first


def test_each_purpose_has_a_key_of_its_own(folder: DataFolder) -> None:
    makers = (keys.signing_key, keys.log_key, keys.chain_key, keys.model_signing_key)
    assert len({make(folder).read_bytes() for make in makers}) == len(makers)


@pytest.mark.parametrize(
    ("make", "curve"), [(keys.chain_key, "secp256k1"), (keys.model_signing_key, "secp256r1")]
)
def test_a_key_lies_on_the_curve_of_its_purpose(folder: DataFolder, make, curve: str) -> None:
    assert load_pem_private_key(make(folder).read_bytes(), None).curve.name == curve


def test_the_public_half_is_published_and_former_ones_stay(folder: DataFolder) -> None:
    private = keys.model_signing_key(folder)
    first = keys.published(folder, private).read_text()
    assert first == keys.public_half(private)
    private.write_text(keys.new_model_signing_key())
    second = keys.published(folder, private).read_text()
    assert second == keys.public_half(private) + first
    assert keys.published(folder, private).read_text() == second


def test_a_private_key_that_cannot_be_read_is_named(folder: DataFolder) -> None:
    broken = folder.root / "broken.pem"
    for content in (None, "no key"):
        if content is not None:
            broken.write_text(content)
        with pytest.raises(EmbeddedError, match=r"broken\.pem"):
            keys.published(folder, broken)
