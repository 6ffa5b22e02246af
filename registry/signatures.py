"""Whose signatures are trusted, and whether a version's own still hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from hokusai.storage import stores
from registry.algorithms.signatures import (
    GIT_PATHS,
    SignatureInvalid,
    SignedFiles,
    differences,
    key_id,
    read_signature,
    split_keys,
)
from registry.exceptions import SignatureRefused
from registry.models import ArtifactSignature, ModelVersion

PLATFORM = "platform"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class SignatureState:
    """One signature as it is now: `problem` is "" where it holds."""

    signer: str
    key_id: str
    created_at: datetime
    problem: str

    @property
    def valid(self) -> bool:
        """Whether it holds."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key whose signatures count, as PEM."""

    signer: str
    key_id: str
    public_pem: str


def platform_keys() -> list[str]:
    """The platform's public keys as PEM, the present one first; [] where none is published here."""
    place = settings.MODEL_SIGNING_PUBLIC_KEY_FILE
    try:
        return split_keys(Path(place).read_text(encoding="ascii")) if place else []
    except (OSError, UnicodeDecodeError) as error:
        message = "The public keys cannot be read; see MODEL_SIGNING_PUBLIC_KEY_FILE."
        raise SignatureRefused(message) from error


def trusted_keys() -> Mapping[str, str]:
    """The keys of third parties by name, as the setting MODEL_SIGNING_TRUSTED_KEYS has them."""
    keys: Mapping[str, str] = settings.MODEL_SIGNING_TRUSTED_KEYS
    return {name: pem for name, pem in keys.items() if name != PLATFORM}


def all_keys() -> list[str]:
    """Every public key that is trusted here."""
    return [*platform_keys(), *trusted_keys().values()]


def published_keys() -> list[PublishedKey]:
    """Every public key with the name under which it is trusted, the platform's first.

    Raises SignatureRefused where a setting names a key that is none.
    """
    named = [(PLATFORM, pem) for pem in platform_keys()] + list(trusted_keys().items())
    try:
        return [PublishedKey(signer, key_id(pem), pem) for signer, pem in named]
    except SignatureInvalid as error:
        raise SignatureRefused(f"A trusted key cannot be used: {error}") from error


def check_bundle(version: ModelVersion, bundle: str, keys: list[str]) -> SignedFiles:
    """What a bundle signs, if it is all of the version's files and nothing else.

    Reads the tree's manifest from the store. Raises SignatureRefused, StorageUnavailable.
    """
    try:
        signed = read_signature(bundle, keys)
    except SignatureInvalid as error:
        raise SignatureRefused(str(error)) from error
    ignored = signed.left_out & GIT_PATHS
    manifest = stores["default"].manifest(version.tree_digest)
    found = {
        file.path: file.sha256
        for file in manifest.files
        if file.path in signed.files or file.path.split("/")[0] not in ignored
    }
    lines = differences(signed.files, found)
    if lines:
        named = "; ".join(lines[:SHOWN])
        raise SignatureRefused(f"It signs other files than the version has: {named}.")
    return signed


def signer_of(signed: SignedFiles) -> str:
    """The name under which the key is trusted. Raises SignatureRefused for a platform's key."""
    for name, pem in trusted_keys().items():
        if key_id(pem) == signed.key_id:
            return name
    raise SignatureRefused("The key is trusted under no name.")


def signatures_of(version: ModelVersion) -> list[SignatureState]:
    """The version's signatures, each checked now against the keys that are trusted now."""
    return [_state(version, row) for row in version.signatures.order_by("id")]


def _state(version: ModelVersion, row: ArtifactSignature) -> SignatureState:
    problem = ""
    try:
        keys = platform_keys() if row.signer == PLATFORM else _named(row.signer)
        if check_bundle(version, row.bundle, keys).key_id != row.key_id:
            problem = "It is signed with another key than was noted."
    except SignatureRefused as error:
        problem = str(error)
    return SignatureState(row.signer, row.key_id, row.created_at, problem)


def _named(signer: str) -> list[str]:
    pem = trusted_keys().get(signer)
    if pem is None:
        raise SignatureRefused(f"The key of {signer} is no longer trusted here.")
    return [pem]
