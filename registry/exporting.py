"""Writing a version to a folder that proves itself anywhere."""

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction

from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.storage import stores
from hokusai.storage.trees import Manifest
from registry.algorithms.exports import (
    CARD,
    FILES,
    FORMAT,
    MANIFEST,
    SIGNATURE,
    signature_name,
)
from registry.cards import card_of
from registry.choices import ArtifactState
from registry.exceptions import ArtifactNotReady
from registry.models import ArtifactSignature, ModelVersion
from registry.signatures import PLATFORM


def export_version(*, version: ModelVersion, folder: Path, actor: Actor) -> Manifest:
    """Write files, signatures, card and manifest into `folder`, which is made or empty.

    Raises ArtifactNotReady, Conflict for a version that nobody signed yet, InvalidInput for a
    folder that holds anything; ContentDamaged where the store's bytes no longer match.
    """
    signatures = list(version.signatures.order_by("id"))
    if version.artifact_state != ArtifactState.READY:
        raise ArtifactNotReady("The version's files are not in the store.")
    if not any(row.signer == PLATFORM for row in signatures):
        raise Conflict("The version is not signed yet; its job waits for the signer.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} holds something; name a folder that is new or empty.")
    store = stores["default"]
    manifest = store.verify_tree(version.tree_digest)
    folder.mkdir(parents=True, exist_ok=True)
    _copy(store.materialise(version.tree_digest), manifest, folder / FILES)
    card = card_of(version).text.encode()
    (folder / CARD).write_bytes(card)
    _write_signatures(folder, signatures)
    facts = _facts(version, manifest, signatures) | {"card_sha256": sha256(card).hexdigest()}
    text = json.dumps(facts, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    _announce(version, actor)
    return manifest


def _copy(source: Path, manifest: Manifest, target: Path) -> None:
    target.mkdir()
    for file in manifest.files:
        place = target / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file.path, place)


def _write_signatures(folder: Path, signatures: list[ArtifactSignature]) -> None:
    for row in signatures:
        name = SIGNATURE if row.signer == PLATFORM else signature_name(row.signer)
        (folder / name).write_text(row.bundle, encoding="utf-8")


def _facts(
    version: ModelVersion, manifest: Manifest, signatures: list[ArtifactSignature]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "label": str(version),
        "model": version.model.model_id,
        "version": version.number,
        "version_id": version.public_id,
        "stage": version.stage,
        "flavor": version.flavor,
        "licence": version.licence,
        "security_level": version.security_level,
        "source": version.source,
        "code_revision": version.code_revision,
        "identity_digest": version.identity_digest,
        "tree_digest": manifest.digest,
        "files": [
            {"path": file.path, "sha256": file.sha256, "size": file.size} for file in manifest.files
        ],
        "metrics": version.metrics,
        "parameters": version.parameters,
        "requirements": version.requirements,
        "signature": version.signature,
        "signed_by": [{"signer": row.signer, "key_id": row.key_id} for row in signatures],
    }


def _announce(version: ModelVersion, actor: Actor) -> None:
    with transaction.atomic():
        record(
            "version:exported",
            subject=version.public_id,
            actor=actor,
            project_id=version.project_id,
            label=str(version),
            after={"tree_digest": version.tree_digest},
        )
