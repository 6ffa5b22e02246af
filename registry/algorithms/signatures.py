"""OpenSSF model signatures (model-signing 1.x), read without the files and compared with them.

A Sigstore bundle holds a DSSE envelope over an in-toto statement that lists every file with its
sha256; an elliptic curve key signed it. What the model-signing command accepts by default is read:
method `files`, hash sha256, a key named by the sha256 of its PEM. Anything that could be read in
two ways (repeated keys or names, another predicate, files left out silently) is refused.
https://github.com/sigstore/model-transparency
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MAX_BUNDLE_BYTES: Final = 64 * 1024**2
BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
# What the model-signing command leaves out of a folder unless it is told otherwise.
GIT_PATHS: Final = frozenset({".git", ".gitattributes", ".github", ".gitignore"})

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.S)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class SignatureInvalid(ValueError):
    """The bundle is no signature, or not by a key that was given."""


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """What was signed: `files` by path with their sha256, and what the signer left out."""

    name: str
    files: dict[str, str]
    key_id: str
    left_out: frozenset[str] = frozenset()


def split_keys(text: str) -> list[str]:
    """The public keys of a file that holds several, in their order, each as PEM."""
    return [match.rstrip("\n") + "\n" for match in _PEM.findall(text)]


def key_id(public_pem: str) -> str:
    """sha256 of the public key's PEM, by which a bundle names its key. Raises SignatureInvalid."""
    return sha256(_pem(_load(public_pem))).hexdigest()


def read_signature(bundle: str, public_pems: Iterable[str]) -> SignedFiles:
    """What the bundle signs, once its signature is verified with one of the keys.

    Raises SignatureInvalid.
    """
    keys = {key_id(pem): _load(pem) for pem in public_pems}
    envelope, hint = _envelope(bundle)
    if hint not in keys:
        raise SignatureInvalid(f"It is signed with the key {hint[:16]}…, which is not known here.")
    payload = _bytes(envelope.get("payload"))
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise SignatureInvalid("It holds no single signature.")
    key = keys[hint]
    try:
        signed = _pae(payload)
        key.verify(_bytes(signatures[0].get("sig")), signed, ec.ECDSA(_HASHES[key.curve.name]))
    except (InvalidSignature, AttributeError) as error:
        raise SignatureInvalid("The signature does not match what is signed.") from error
    return _signed_files(_parsed(payload), hint)


def differences(signed: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What differs between the files that were signed and those found, by path and sha256.

    One line for each: changed, renamed, removed or added; [] where both are the same.
    """
    changed = [
        f"changed: {path}" for path in signed if path in found and signed[path] != found[path]
    ]
    removed = {path: signed[path] for path in sorted(signed) if path not in found}
    added = {path: found[path] for path in sorted(found) if path not in signed}
    renamed = []
    for path, digest in list(removed.items()):
        target = next((other for other in added if added[other] == digest), None)
        if target is not None:
            renamed.append(f"renamed: {path} -> {target}")
            del removed[path], added[target]
    rest = [f"removed: {path}" for path in removed] + [f"added: {path}" for path in added]
    return sorted(changed) + renamed + rest


def _load(public_pem: str) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_pem_public_key(public_pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureInvalid("A key is no public key in PEM.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _HASHES:
        raise SignatureInvalid("A model is signed with a key on P-256, P-384 or P-521.")
    return key


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _envelope(bundle: str) -> tuple[dict[str, Any], str]:
    """The envelope and the name of its key."""
    if len(bundle) > MAX_BUNDLE_BYTES:
        raise SignatureInvalid(f"It is larger than {MAX_BUNDLE_BYTES} bytes.")
    parsed = _parsed(bundle)
    if parsed.get("mediaType") != BUNDLE_TYPE:
        raise SignatureInvalid("It is no Sigstore bundle of version 0.3.")
    envelope, hint = parsed.get("dsseEnvelope"), parsed
    for step in ("verificationMaterial", "publicKey", "hint"):
        hint = hint.get(step) if isinstance(hint, dict) else None  # type: ignore[assignment]
    if not isinstance(envelope, dict) or envelope.get("payloadType") != PAYLOAD_TYPE:
        raise SignatureInvalid("It holds no statement.")
    if not isinstance(hint, str):
        raise SignatureInvalid("It names no key; certificates are not read here.")
    return envelope, hint


def _pae(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, v1."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _signed_files(statement: dict[str, Any], key: str) -> SignedFiles:
    if statement.get("_type") != STATEMENT_TYPE or statement.get("predicateType") != PREDICATE_TYPE:
        raise SignatureInvalid("The statement is no model signature of version 1.")
    try:
        (subject,) = statement["subject"]
        predicate = statement["predicate"]
        method = predicate["serialization"]
        files = _files(predicate["resources"])
        root = sha256(b"".join(bytes.fromhex(digest) for digest in files.values())).hexdigest()
        if subject["digest"] != {"sha256": root}:
            raise SignatureInvalid("The statement contradicts itself.")
        if (method["method"], method["hash_type"]) != ("files", "sha256"):
            raise SignatureInvalid("It is not signed by files and sha256.")
        left_out = frozenset(str(path) for path in method.get("ignore_paths") or ())
        return SignedFiles(str(subject["name"]), files, key, left_out)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, SignatureInvalid):
            raise
        raise SignatureInvalid("The statement is malformed.") from error


def _files(resources: list[dict[str, str]]) -> dict[str, str]:
    """Paths and digests in the statement's order, which its root digest follows."""
    files: dict[str, str] = {}
    for resource in resources:
        path, digest = resource["name"], resource["digest"]
        plain = resource["algorithm"] == "sha256" and _DIGEST.fullmatch(digest)
        if not plain or path in files:
            raise SignatureInvalid(f"The statement lists {path!r} twice, or without a sha256.")
        files[path] = digest
    return files


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise SignatureInvalid("It is not encoded in base64.") from error


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except SignatureInvalid:
        raise
    except (ValueError, RecursionError) as error:
        raise SignatureInvalid("It is no JSON.") from error
    if not isinstance(found, dict):
        raise SignatureInvalid("It is no JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise SignatureInvalid("A key appears twice.")
    return found
