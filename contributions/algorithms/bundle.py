"""The proof bundle: one canonical JSON file from which anyone can repeat what was attested.

Read by `docs/attestation/verify_hokusai.py`; docs/attestation/README.md describes every field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hokusai.core.canonical import canonical_bytes

FORMAT = "hokusai-proof-bundle"
VERSION = 1
MAX_BYTES = 64 * 1024 * 1024


class BundleError(ValueError):
    """The bundle is too large."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A leaf with its proof, hashes leaf to root; of others' attempts there is no statement."""

    index: int
    kind: str
    key_id: str
    previous: str
    digest: str
    statement: str | None
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A signer's public key; times are RFC 3339 in UTC, empty where there is no end."""

    key_id: str
    algorithm: str
    purpose: str
    public_pem: str
    valid_from: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The entry of an attestation in the status list whose leaf has the index `record`."""

    record: int
    entry: str
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ShownRows:
    """Outcomes per row as they were committed to, and the secret that their salts are made of."""

    secret: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a bundle is put together from.

    statement: the attested statement. evidence: of each split. rows: of each split and role, only
    where they may be shown.
    """

    statement: Mapping[str, Any]
    envelope: Mapping[str, Any]
    eip712: Mapping[str, Any] | None
    checkpoint: str
    log: Sequence[LogEntry]
    keys: Sequence[KeyEntry]
    status: Standing
    evidence: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, ShownRows]] | None = None


def encode_bundle(proof: Proof) -> bytes:
    """Return the bundle's bytes; equal proofs give equal bytes.

    Raises BundleError for more than 64 MiB, CanonicalError for what has no canonical form.
    """
    data = canonical_bytes(
        {
            "format": FORMAT,
            "version": VERSION,
            "checkpoint": proof.checkpoint,
            "eip712": None if proof.eip712 is None else dict(proof.eip712),
            "envelope": dict(proof.envelope),
            "evidence": dict(proof.evidence),
            "keys": [_key(key) for key in sorted(proof.keys, key=lambda key: key.key_id)],
            "log": [_entry(entry) for entry in sorted(proof.log, key=lambda item: item.index)],
            "manifests": _manifests(proof.statement),
            "outcomes": outcome_roots(proof.statement),
            "rows": None if proof.rows is None else _rows(proof.rows),
            "status": {
                "record": proof.status.record,
                "entry": proof.status.entry,
                "index": proof.status.index,
                "path": _hexadecimal(proof.status.path),
            },
        }
    )
    if len(data) > MAX_BYTES:
        raise BundleError(f"A bundle has at most {MAX_BYTES} bytes; this one has {len(data)}.")
    return data


def outcome_roots(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The salted roots of the outcomes by split and role, as the statement names them."""
    predicate = statement["predicate"]
    roots = {"screening": predicate["evaluation"]["outcomes"]}
    if "absent" not in predicate["confirmation"]:
        roots["confirmation"] = predicate["confirmation"]["outcomes"]
    return roots


def _manifests(statement: Mapping[str, Any]) -> dict[str, str]:
    predicate = statement["predicate"]
    return {
        "baseline": predicate["baseline"]["digest"]["sha256"],
        "benchmark": predicate["benchmark"]["specDigest"]["sha256"],
        "candidate": statement["subject"][0]["digest"]["sha256"],
    }


def _entry(entry: LogEntry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "kind": entry.kind,
        "keyId": entry.key_id,
        "previous": entry.previous,
        "digest": entry.digest,
        "statement": entry.statement,
        "path": _hexadecimal(entry.path),
    }


def _key(key: KeyEntry) -> dict[str, str]:
    return {
        "keyId": key.key_id,
        "algorithm": key.algorithm,
        "purpose": key.purpose,
        "publicPem": key.public_pem,
        "validFrom": key.valid_from,
        "validUntil": key.valid_until,
    }


def _rows(rows: Mapping[str, Mapping[str, ShownRows]]) -> dict[str, Any]:
    return {
        split: {
            role: {"secret": shown.secret, "rows": list(shown.rows)}
            for role, shown in sides.items()
        }
        for split, sides in rows.items()
    }


def _hexadecimal(hashes: Sequence[bytes]) -> list[str]:
    return [item.hex() for item in hashes]
