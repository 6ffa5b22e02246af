"""Signing a version's files in the signer's process, the only one that knows the private key.

The signature is OpenSSF model signing's: anyone verifies an export with the `model_signing`
command and the public key.
"""

import tempfile
from pathlib import Path

from django.conf import settings
from model_signing import hashing
from model_signing import signing as model_signing

from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey
from hokusai.signers.services import introduce_key
from hokusai.storage import stores
from registry.algorithms.signatures import key_id
from registry.choices import ArtifactState
from registry.exceptions import ArtifactNotReady, SignatureRefused
from registry.models import ArtifactSignature, ModelVersion
from registry.signatures import PLATFORM, check_bundle, platform_keys

SIGNATURE = "model.sig"


def sign_artifact(work: Work) -> None:
    """Read a version's files again, sign them, verify the signature. Safe to repeat.

    Raises StorageUnavailable where a later try may work.
    """
    version = _version(work.job.subject)
    if version.signatures.filter(signer=PLATFORM).exists():
        return
    work.progress(10, "reading the files")
    folder = stores["default"].materialise(version.tree_digest)
    bundle = sign_folder(folder)
    work.progress(80, "verifying the signature")
    signed = check_bundle(version, bundle, platform_keys())
    with work.result():
        ArtifactSignature.objects.create(
            version=version,
            signer=PLATFORM,
            key_id=signed.key_id,
            tree_digest=version.tree_digest,
            bundle=bundle,
        )
        _list_key(signed.key_id)
        _announce(version, signed.key_id)


def sign_folder(folder: Path) -> str:
    """The bundle over all files of a folder, those of git too.

    Raises SignatureRefused where this process has no usable key.
    """
    place = settings.MODEL_SIGNING_KEY_FILE
    if not place:
        raise SignatureRefused("This process holds no key for models; the signer's queue does.")
    config = hashing.Config().set_ignored_paths(paths=(), ignore_git_paths=False)
    signer = model_signing.Config().set_hashing_config(config)
    try:
        signer.use_elliptic_key_signer(private_key=place)
    except (OSError, TypeError, ValueError, AttributeError) as error:
        message = "The key for models cannot be read; see MODEL_SIGNING_KEY_FILE."
        raise SignatureRefused(message) from error
    with tempfile.TemporaryDirectory(prefix="hokusai-sign-") as beside:
        target = Path(beside) / SIGNATURE
        signer.sign(folder, target)
        return target.read_text(encoding="utf-8")


def _version(subject: str) -> ModelVersion:
    found = ModelVersion.objects.with_names().filter(public_id=subject).first()
    if found is None:
        raise NotFound("The version of this job is gone.")
    if found.artifact_state != ArtifactState.READY:
        raise ArtifactNotReady("The version's files are not in the store.")
    return found


def _list_key(key: str) -> None:
    """Publish the key beside the platform's others, at its first signature."""
    if SigningKey.objects.filter(key_id=key).exists():
        return
    pem = next(pem for pem in platform_keys() if key_id(pem) == key)
    introduce_key(
        purpose=Purpose.ARTIFACT, public_pem=pem, key_id=key, backend="file", actor=SYSTEM
    )


def _announce(version: ModelVersion, key: str) -> None:
    record(
        "version:signed",
        subject=version.public_id,
        actor=SYSTEM,
        project_id=version.project_id,
        label=str(version),
        after={"signer": PLATFORM, "key_id": key, "tree_digest": version.tree_digest},
    )
