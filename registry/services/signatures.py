"""Signatures of third parties on a version's files."""

from django.db import IntegrityError, transaction

from hokusai.core.errors import Conflict
from hokusai.core.events import Actor, record
from registry.choices import ArtifactState
from registry.exceptions import ArtifactNotReady
from registry.models import ArtifactSignature, ModelVersion
from registry.signatures import check_bundle, signer_of, trusted_keys


def add_signature(*, version_id: int, bundle: str, actor: Actor) -> ArtifactSignature:
    """Keep a third party's signature, once it is verified with a trusted key.

    Raises SignatureRefused, ArtifactNotReady, StorageUnavailable; Conflict where that party has
    signed the version already.
    """
    version = ModelVersion.objects.with_names().get(pk=version_id)
    if version.artifact_state != ArtifactState.READY:
        raise ArtifactNotReady("The version's files are not in the store.")
    # A ready version's files never change: what is read before the transaction holds in it.
    signed = check_bundle(version, bundle, list(trusted_keys().values()))
    signer = signer_of(signed)
    try:
        with transaction.atomic():
            row = ArtifactSignature.objects.create(
                version=version,
                signer=signer,
                key_id=signed.key_id,
                tree_digest=version.tree_digest,
                bundle=bundle,
            )
            record(
                "version:countersigned",
                subject=version.public_id,
                actor=actor,
                project_id=version.project_id,
                label=str(version),
                after={"signer": signer, "key_id": signed.key_id},
            )
    except IntegrityError as error:
        raise Conflict(f"{signer} has signed this version already.") from error
    return row
