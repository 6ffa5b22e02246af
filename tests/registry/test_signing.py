import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from model_signing import hashing, signing, verifying
from pytest_django import Settings

from hokusai.core import jobs
from hokusai.core.models import Event, Job
from hokusai.storage import stores
from registry.choices import ArtifactState
from registry.exceptions import SignatureRefused
from registry.models import ArtifactSignature, ModelVersion
from registry.signatures import PLATFORM, signatures_of
from registry.signing import sign_folder
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db

Key = ec.EllipticCurvePrivateKey
KEY, PARTNER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


def private(key: Key | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public(key: Key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(autouse=True)
def signer(settings: Settings, tmp_path: Path) -> None:
    """This process holds the private key, and everyone knows the public one."""
    (tmp_path / "key.pem").write_bytes(private(KEY))
    (tmp_path / "key.pub").write_text(public(KEY))
    settings.MODEL_SIGNING_KEY_FILE = str(tmp_path / "key.pem")
    settings.MODEL_SIGNING_PUBLIC_KEY_FILE = str(tmp_path / "key.pub")
    settings.MODEL_SIGNING_TRUSTED_KEYS = {"partner": public(PARTNER)}


@pytest.fixture
def version(tmp_path: Path) -> ModelVersion:
    files = tmp_path / "files"
    (files / "data").mkdir(parents=True)
    (files / "MLmodel").write_text("flavors: {}\n")
    (files / "data" / "model.bin").write_bytes(b"weights")
    (files / ".gitattributes").write_text("*.bin\n")
    manifest = stores["default"].put_tree(files)
    found: ModelVersion = ModelVersionFactory(tree_digest=manifest.digest)
    return found


@pytest.fixture
def sign() -> Callable[[ModelVersion], Job]:
    """Runs the signer's job."""

    def run(version: ModelVersion) -> Job:
        job = jobs.enqueue("artifact_signature", subject=version.public_id, project_id=None)
        jobs.run(job.pk)
        return Job.objects.get(pk=job.pk)

    return run


Sign = Callable[[ModelVersion], Job]


def test_a_version_is_signed_once_and_told(version: ModelVersion, sign: Sign) -> None:
    assert sign(version).status == "succeeded"
    assert sign(version).status == "succeeded"
    row = ArtifactSignature.objects.get(version=version)
    assert (row.signer, row.tree_digest) == (PLATFORM, version.tree_digest)
    event = Event.objects.get(tag="version:signed")
    assert event.after["key_id"] == row.key_id
    assert [state.problem for state in signatures_of(version)] == [""]


def test_the_signature_covers_every_file_those_of_git_too(
    version: ModelVersion, sign: Sign, tmp_path: Path
) -> None:
    sign(version)
    (tmp_path / "model.sig").write_text(version.signatures.get().bundle)
    config = hashing.Config().set_ignored_paths(paths=(), ignore_git_paths=False)
    verifier = verifying.Config().set_hashing_config(config)
    verifier.use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
    verifier.verify(tmp_path / "files", tmp_path / "model.sig")
    (tmp_path / "files" / ".gitattributes").write_text("other")
    with pytest.raises(ValueError, match="gitattributes"):
        verifier.verify(tmp_path / "files", tmp_path / "model.sig")


def test_a_process_without_the_key_signs_nothing(
    version: ModelVersion, sign: Sign, settings: Settings
) -> None:
    settings.MODEL_SIGNING_KEY_FILE = ""
    job = sign(version)
    assert job.status == "failed"
    assert "signer's queue" in job.log
    assert not version.signatures.exists()


@pytest.mark.parametrize("content", [b"no key", private(Ed25519PrivateKey.generate())])
def test_a_key_that_cannot_sign_models_is_refused(
    settings: Settings, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "other.pem").write_bytes(content)
    settings.MODEL_SIGNING_KEY_FILE = str(tmp_path / "other.pem")
    with pytest.raises(SignatureRefused, match="MODEL_SIGNING_KEY_FILE"):
        sign_folder(tmp_path)


def test_a_signature_that_nobody_could_verify_is_not_kept(
    version: ModelVersion, sign: Sign, tmp_path: Path
) -> None:
    (tmp_path / "key.pub").write_text(public(PARTNER))
    assert "not known" in sign(version).log
    assert not version.signatures.exists()


def test_a_version_that_is_not_ready_is_not_signed(version: ModelVersion, sign: Sign) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(artifact_state=ArtifactState.FAILED)
    assert sign(version).status == "failed"


def test_a_former_key_still_verifies_what_it_signed(
    version: ModelVersion, sign: Sign, tmp_path: Path
) -> None:
    sign(version)
    newer = public(ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "key.pub").write_text(newer + public(KEY))
    assert [state.problem for state in signatures_of(version)] == [""]
    (tmp_path / "key.pub").write_text(newer)
    assert "not known" in signatures_of(version)[0].problem


def test_a_signature_that_was_changed_in_the_database_is_seen(
    version: ModelVersion, sign: Sign
) -> None:
    sign(version)
    row = version.signatures.get()
    parsed = json.loads(row.bundle)
    signature = parsed["dsseEnvelope"]["signatures"][0]
    signature["sig"] = signature["sig"][:-8] + "AAAAAAA="
    ArtifactSignature.objects.filter(pk=row.pk).update(bundle=json.dumps(parsed))
    assert "does not match" in signatures_of(version)[0].problem


def signed_by(key: Key, folder: Path, tmp_path: Path) -> str:
    """As a third party signs with the package, by its defaults."""
    (tmp_path / "party.pem").write_bytes(private(key))
    config = signing.Config().use_elliptic_key_signer(private_key=tmp_path / "party.pem")
    config.sign(folder, tmp_path / "party.sig")
    return (tmp_path / "party.sig").read_text()
