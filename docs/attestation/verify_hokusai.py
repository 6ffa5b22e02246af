"""Verify what Hokusai attests without Hokusai: one file, the standard library and `cryptography`.

    python verify_hokusai.py verify BUNDLE --trust TRUST
    python verify_hokusai.py disclosure FILE BUNDLE --trust TRUST
    python verify_hokusai.py outcome BUNDLE --trust TRUST

TRUST says whom you believe: the log's key, its witnesses, the instance and its environment. It is
not part of the bundle, because a bundle must not vouch for itself; README.md describes both.
Nothing is fetched. Prints what was proven and exits with 0, or says what is wrong and exits with 1.
"""

import argparse
import base64
import hashlib
import hmac
import json
import math
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from importlib import import_module
from operator import mul
from pathlib import Path
from statistics import NormalDist
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

BUNDLE_FORMAT, TRUST_FORMAT, DISCLOSURE_FORMAT = (
    "hokusai-proof-bundle",
    "hokusai-trust",
    "hokusai-disclosure",
)
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:hokusai:attestation:model-improvement:v2"
REVOCATION_TYPE = "urn:hokusai:attestation:revocation:v1"
STATUS_TYPE = "urn:hokusai:attestation:status-list:v1"
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
MAX_STATEMENT_BYTES = 64 * 1024
MAX_SIGNATURES = 16
MAX_PATH = 64
MAX_INTEGER = 2**53 - 1
MAX_DIGITS = 17
MAX_PAIRS = 20_000
SCALE, BILLION, WHOLE_BPS = 1_000_000, 1_000_000_000, 10_000
MINIMUM_ROWS = 30
BISECTIONS = 80
RESAMPLES, BLOCK, TAIL, T_DECIMALS = 10_000, 100, 10, 9
GOLDEN_PPM = 618_034
ALIKE, EPSILON, NO_VARIANCE = 1e-12, 1e-15, 1e-24
MASK32, MASK64, MASK128 = 2**32 - 1, 2**64 - 1, 2**128 - 1
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
# The metrics whose numbers are repeated here, and whether higher is better.
SIGNS = {
    "accuracy": 1,
    "auroc": 1,
    "balanced_accuracy": 1,
    "brier_score": -1,
    "f1": 1,
    "log_loss": -1,
    "mae": -1,
    "poisson_deviance": -1,
    "r2": 1,
    "rmse": -1,
}
NOTE_ED25519, NOTE_COSIGNATURE = 1, 4
HASH_BYTES, SIGNATURE_BYTES, NUMBER_BYTES = 32, 64, 8
MISSING = b"\xff\xff\xff\xff"
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

Json = dict[str, Any]


class Rejected(Exception):
    """What was given proves nothing; the text says why in one sentence."""


# Strict JSON


def no(text: str) -> NoReturn:
    raise Rejected(text)


def unique_keys(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        no("A key is given twice.")
    if not all(key.isascii() for key in found):
        no("A key is not ASCII.")
    return found


def refuse(text: str) -> NoReturn:
    no(f"Only whole numbers are exact, not {text[:40]}.")


def parse_integer(text: str) -> int:
    if len(text) > MAX_DIGITS or abs(int(text)) > MAX_INTEGER:
        no("A whole number at or beyond 2**53 is not exact in JSON.")
    return int(text)


def parse(data: bytes, what: str) -> Any:
    """Parse JSON in any layout, without repeated keys, floats or large numbers."""
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=unique_keys,
            parse_float=refuse,
            parse_constant=refuse,
            parse_int=parse_integer,
        )
    except ValueError as error:
        raise Rejected(f"The {what} is not JSON in UTF-8.") from error
    except RecursionError as error:
        raise Rejected(f"The {what} is nested too deeply.") from error


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a value without floats whose keys are ASCII."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def parse_canonical(data: bytes, what: str) -> Any:
    value = parse(data, what)
    try:
        same = canonical(value) == data
    except (UnicodeError, RecursionError) as error:
        raise Rejected(f"The {what} is not valid Unicode.") from error
    return value if same else no(f"The {what} is not in canonical form (RFC 8785).")


def need(value: Any, name: str, kind: type, where: str) -> Any:
    """One member of an object, of the kind that it must have."""
    if not isinstance(value, dict) or name not in value:
        no(f"The {where} has no {name}.")
    found = value[name]
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        no(f"The {where} has a {name} of another kind than it should.")
    return found


def only(value: Any, names: set[str], where: str) -> None:
    if not isinstance(value, dict) or set(value) != names:
        no(f"The {where} has other fields than {', '.join(sorted(names))}.")


def digest_of(value: Any, name: str, where: str) -> str:
    """A SHA-256 that is written as `{"sha256": …}`."""
    text = str(need(need(value, name, dict, where), "sha256", str, f"{name} of the {where}"))
    return text if len(unhex(text, name)) == HASH_BYTES else no(f"The {name} is no SHA-256.")


def unhex(text: str, what: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    return data if data.hex() == text and data else no(f"The {what} is not lower-case hexadecimal.")


def unbase64(text: Any, what: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        no(f"The {what} is not base64.")
    return data if base64.b64encode(data).decode() == text else no(f"The {what} has two spellings.")


def moment(text: str, what: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Rejected(f"The {what} is not a time like 2026-11-20T08:05:00Z.") from error


def clock(text: str, what: str) -> datetime:
    """A time with a zone, in any form of ISO 8601, cut to the second as statements are."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(f"The {what} is not a time.") from error
    if found.tzinfo is None:
        no(f"The {what} has no zone.")
    return found.astimezone(UTC).replace(microsecond=0)


def written(when: datetime | None) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}" if when else ""


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Merkle trees (RFC 6962, section 2.1)


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(level: list[bytes]) -> bytes:
    while len(level) > 1:
        odd = [level[-1]] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [node_hash(left, right) for left, right in pairs] + odd
    return level[0]


def root_from_path(node: bytes, index: int, size: int, path: list[bytes], what: str) -> bytes:
    """The root that a leaf and its siblings, from the leaf upwards, lead to."""
    if not 0 <= index < size or len(path) > MAX_PATH:
        no(f"The {what} has no place in a tree of {size} leaves.")
    remaining = path[::-1]
    while size > 1:
        if index ^ 1 < size:
            if not remaining:
                no(f"The proof of the {what} is too short.")
            sibling = remaining.pop()
            node = node_hash(sibling, node) if index % 2 else node_hash(node, sibling)
        index, size = index // 2, (size + 1) // 2
    return no(f"The proof of the {what} is too long.") if remaining else node


def path_of(value: Any, where: str) -> list[bytes]:
    hashes = [
        unhex(str(item), f"proof of the {where}") for item in need(value, "path", list, where)
    ]
    if any(len(item) != HASH_BYTES for item in hashes):
        no(f"The proof of the {where} holds something else than hashes.")
    return hashes


# Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature)


@dataclass(frozen=True)
class NoteKey:
    """A verifier key: `name+hash+base64(type || public key)`."""

    name: str
    kind: int
    hint: bytes
    public: Ed25519PublicKey


def note_key(text: Any) -> NoteKey:
    """Read a verifier key. Its hash is SHA-256(name, newline, type, key), cut to four bytes."""
    parts = text.split("+", 2) if isinstance(text, str) else []
    if len(parts) != len(("name", "hash", "key")) or not parts[0]:
        no("A verifier key is written name+hash+base64.")
    name, said, encoded = parts
    data = unbase64(encoded, f"verifier key of {name}")
    if len(data) != 1 + HASH_BYTES or data[0] not in (NOTE_ED25519, NOTE_COSIGNATURE):
        no(f"The verifier key of {name} is not an Ed25519 key.")
    hint = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if hint.hex() != said:
        no(f"The verifier key of {name} has another hash than it says.")
    return NoteKey(name, data[0], hint, Ed25519PublicKey.from_public_bytes(data[1:]))


@dataclass(frozen=True)
class Checkpoint:
    """A size and a root of the log, and the times at which witnesses saw them."""

    origin: str
    size: int
    root: bytes
    seen: dict[str, datetime]


def open_checkpoint(note: str, trust: "Trust") -> Checkpoint:
    """Check the log's signature and that enough witnesses cosigned."""
    body, separator, tail = note.rpartition("\n\n")
    body += "\n"
    if not separator or not tail.endswith("\n"):
        no("The checkpoint is not a signed note.")
    lines = [signature_line(line) for line in tail[:-1].split("\n")]
    signed = [
        holds(key.public, raw, body.encode())
        for key in trust.log
        for name, hint, raw in lines
        if (name, hint) == (key.name, key.hint)
    ]
    if not signed or not all(signed):
        no("The log's signature under the checkpoint does not hold, or is by another key.")
    seen = {
        witness.name: cosigned_at(witness, raw, body)
        for witness in trust.witnesses
        for name, hint, raw in lines
        if (name, hint) == (witness.name, witness.hint)
    }
    if len(seen) < trust.witnesses_required:
        no(f"{len(seen)} of your witnesses cosigned; {trust.witnesses_required} are needed.")
    return read_checkpoint(body, trust.log[0].name, seen)


def signature_line(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = unbase64(encoded, "signature of the checkpoint")
    if dash != "\u2014" or not name or len(raw) <= len(b"hint"):
        no("A signature line of the checkpoint is malformed.")
    return name, raw[:4], raw[4:]


def cosigned_at(witness: NoteKey, raw: bytes, body: str) -> datetime:
    if len(raw) != 8 + SIGNATURE_BYTES or witness.kind != NOTE_COSIGNATURE:
        no(f"The cosignature of {witness.name} is malformed.")
    seconds = int.from_bytes(raw[:8], "big")
    if not holds(witness.public, raw[8:], f"cosignature/v1\ntime {seconds}\n{body}".encode()):
        no(f"The cosignature of {witness.name} does not hold.")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Rejected(f"The cosignature of {witness.name} has no possible time.") from error


def read_checkpoint(body: str, log: str, seen: dict[str, datetime]) -> Checkpoint:
    origin, size, root, *_ = [*body.split("\n"), "", ""]
    if origin != log:
        no(f"The checkpoint is one of the log {origin[:60]!r}, not of {log!r}.")
    if not size.isascii() or not size.isdecimal() or size != str(int(size[:MAX_DIGITS])):
        no("The checkpoint's size is not a number.")
    digest = unbase64(root, "checkpoint's root")
    if len(digest) != HASH_BYTES:
        no("The checkpoint's root is no hash.")
    return Checkpoint(origin, int(size), digest, seen)


def holds(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


# Whom to believe


@dataclass
class Trust:
    """What the reader brings along; nothing of it comes from the bundle."""

    log: list[NoteKey]
    instance: str = ""
    environments: set[str] = field(default_factory=lambda: {"production"})
    witnesses: list[NoteKey] = field(default_factory=list)
    witnesses_required: int = 0
    signers: set[str] = field(default_factory=set)
    signers_required: int = 1
    compromised: dict[str, int] = field(default_factory=dict)
    skip_resampling: bool = False


def read_trust(options: argparse.Namespace, given: bytes | None) -> Trust:
    """Put the trust file and the arguments together; an argument wins."""
    stated: Json = {}
    if given is not None:
        stated = parse(given, "trust file")
        if need(stated, "format", str, "trust file") != TRUST_FORMAT:
            no("The trust file is of another format.")
    keys = options.log_key or stated.get("log")
    if not isinstance(keys, list) or not keys:
        no("Say which log to believe: --trust FILE or --log-key KEY.")
    instance = options.instance or str(stated.get("instance", ""))
    trust = Trust(log=[note_key(key) for key in keys], instance=instance)
    if len({key.name for key in trust.log}) > 1 or trust.log[0].kind != NOTE_ED25519:
        no("The keys of the log are not keys of one log.")
    trust.environments = set(stated.get("environments", ["production"]))
    trust.environments |= set(options.allow_environment)
    trust.skip_resampling = options.skip_resampling
    witnesses, signers = stated.get("witnesses", {}), stated.get("signers", {})
    trust.witnesses = [note_key(text) for text in options.witness or witnesses.get("keys", [])]
    trust.witnesses_required = int(first_given(options.witnesses, witnesses.get("required"), 0))
    trust.signers = set(options.signer or signers.get("keys", []))
    trust.signers_required = int(first_given(options.signatures, signers.get("required"), 1))
    trust.compromised = {str(k): int(v) for k, v in stated.get("compromised", {}).items()}
    return trust


def first_given(*values: Any) -> Any:
    return next(value for value in values if value is not None)


# The log's records


@dataclass(frozen=True)
class Record:
    """A leaf of the log: what it says, and where it stands."""

    index: int
    kind: str
    key_id: str
    previous: str
    digest: str
    statement: Json


def included(value: Any, checkpoint: Checkpoint) -> Record:
    """Read one record and prove that the checkpoint holds it at its index.

    Of the attempts of others the digest alone is given; their statement is empty here.
    """
    only(value, {"digest", "index", "keyId", "kind", "path", "previous", "statement"}, "log record")
    kind, index = need(value, "kind", str, "log record"), need(value, "index", int, "log record")
    what = f"log record {index} ({kind[:20]})"
    digest, key_id, previous = (
        str(need(value, name, str, what)) for name in ("digest", "keyId", "previous")
    )
    leaf = canonical(
        {"keyId": key_id, "kind": kind, "previous": previous, "statement": {"sha256": digest}}
    )
    root = root_from_path(leaf_hash(leaf), index, checkpoint.size, path_of(value, what), what)
    if root != checkpoint.root:
        no(f"The {what} is not in the log of this checkpoint.")
    return Record(index, kind, key_id, previous, digest, logged(value["statement"], digest, what))


def logged(text: Any, digest: str, what: str) -> Json:
    if text is None:
        return {}
    if not isinstance(text, str) or len(text) > MAX_STATEMENT_BYTES:
        no(f"The statement of the {what} is not text, or too long.")
    content = text.encode("utf-8", "surrogatepass")
    if sha256_hex(content) != digest:
        no(f"The {what} has another statement than its digest says.")
    found = parse_canonical(content, f"statement of the {what}")
    return found if isinstance(found, dict) else no(f"The statement of the {what} is no object.")


def of_kind(records: list[Record], kind: str) -> list[Record]:
    return [record for record in records if record.kind == kind]


# Keys


@dataclass(frozen=True)
class Key:
    """A signer's key as the log tells of it; the public half is bound by the id."""

    key_id: str
    algorithm: str
    purpose: str
    address: str
    public: Any
    valid_from: datetime
    valid_until: datetime | None
    compromised_from: int | None

    def check(self, index: int, issued: datetime) -> None:
        """Refuse a signature at a log index, made at a time by the signer's clock."""
        short = self.key_id[:16]
        if self.compromised_from is not None and index >= self.compromised_from:
            no(f"The key {short} counts as stolen from log index {self.compromised_from} on.")
        if issued < self.valid_from or (self.valid_until and issued > self.valid_until):
            no(f"The key {short} was not valid when it signed.")


def read_keys(records: list[Record], listed: list[Any], trust: Trust) -> dict[str, Key]:
    """The keys that the bundle lists, as far as its key records introduce them."""
    events: dict[str, list[Json]] = {}
    for record in of_kind(records, "key"):
        key_id = need(record.statement, "keyId", str, "key record")
        events.setdefault(key_id, []).append(record.statement)
    keys = {}
    for item in listed:
        only(item, KEY_FIELDS, "key")
        key_id = str(item["keyId"])
        key = one_key(key_id, str(item["publicPem"]), events.get(key_id, []), trust)
        told = {
            "algorithm": key.algorithm,
            "keyId": key_id,
            "publicPem": item["publicPem"],
            "purpose": key.purpose,
            "validFrom": written(key.valid_from),
            "validUntil": written(key.valid_until),
        }
        if item != told or key_id in keys:
            no("The keys listed are not those that the log introduces.")
        keys[key_id] = key
    return keys if set(keys) == set(events) else no("The keys listed are not those in the log.")


KEY_FIELDS = {"algorithm", "keyId", "publicPem", "purpose", "validFrom", "validUntil"}


def one_key(key_id: str, pem: str, events: list[Json], trust: Trust) -> Key:
    introduced = [event for event in events if event.get("action") == "introduced"]
    if len(introduced) != 1:
        no(f"The log does not say how the key {key_id[:16]} came in.")
    first = introduced[0]
    stated = {
        name: str(need(first, name, str, "key record"))
        for name in ("algorithm", "purpose", "address", "validFrom")
    }
    stolen = [event.get("compromisedFromIndex") for event in events]
    ends = [event.get("validUntil") for event in events]
    until = [clock(str(end), "end of the key's validity") for end in ends if end is not None]
    indices = [
        int(index) for index in [*stolen, trust.compromised.get(key_id)] if index is not None
    ]
    return Key(
        key_id,
        stated["algorithm"],
        stated["purpose"],
        stated["address"],
        load_key(pem, key_id),
        clock(stated["validFrom"], "start of the key's validity"),
        min(until, default=None),
        min(indices, default=None),
    )


def load_key(pem: str, key_id: str) -> Any:
    """The key of an id, which is the SHA-256 of its SubjectPublicKeyInfo in DER."""
    try:
        found = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected(f"The key {key_id[:16]} is not a public key.") from error
    form = PublicFormat.SubjectPublicKeyInfo
    if sha256_hex(found.public_bytes(Encoding.DER, form)) != key_id:
        no("A key's id is not the digest of it.")
    same = found.public_bytes(Encoding.PEM, form) == pem.encode()
    return found if same else no(f"The key {key_id[:16]} is spelled in another way than it must.")


# The envelope (DSSE)


def open_envelope(envelope: Any, keys: dict[str, Key]) -> tuple[bytes, list[Key]]:
    """Return the payload whose every signature holds, and the keys that signed."""
    only(envelope, {"payload", "payloadType", "signatures"}, "envelope")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        no("The envelope's payload is of another type.")
    payload = unbase64(envelope["payload"], "payload")
    if len(payload) > MAX_STATEMENT_BYTES:
        no(f"The statement has more than {MAX_STATEMENT_BYTES} bytes.")
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signatures = need(envelope, "signatures", list, "envelope")
    if not 1 <= len(signatures) <= MAX_SIGNATURES:
        no(f"An envelope has 1 to {MAX_SIGNATURES} signatures.")
    signers = [signer_of(signature, signed, keys) for signature in signatures]
    if len({key.key_id for key in signers}) != len(signers):
        no("A key has signed twice.")
    return payload, signers


def signer_of(signature: Any, signed: bytes, keys: dict[str, Key]) -> Key:
    only(signature, {"keyid", "sig"}, "signature")
    key = keys.get(str(signature["keyid"]))
    if key is None:
        no("A signature was made by a key that the log does not introduce.")
    if key.purpose != "attestation":
        no(f"The key {key.key_id[:16]} is not one for attestations.")
    if not isinstance(key.public, Ed25519PublicKey):
        no(f"The key {key.key_id[:16]} is not an Ed25519 key.")
    if not holds(key.public, unbase64(signature["sig"], "signature"), signed):
        no(f"The signature of the key {key.key_id[:16]} does not hold.")
    return key


def enough(signers: list[Key], trust: Trust, who: str) -> None:
    counted = [key for key in signers if not trust.signers or key.key_id in trust.signers]
    if len(counted) < trust.signers_required:
        no(f"{len(counted)} trusted keys signed the {who}; {trust.signers_required} are needed.")


# The statement


@dataclass(frozen=True)
class Statement:
    """A signed statement, its id, and the parts that are looked at often."""

    id: str
    body: Json
    predicate: Json
    primary: Json
    metrics: dict[str, Json]
    policy: Json

    @property
    def issued(self) -> datetime:
        return moment(need(self.predicate, "issuedOn", str, "statement"), "time of issue")


def read_statement(payload: bytes) -> Statement:
    """Read a statement, check what it must hold, and repeat its arithmetic."""
    body = parse_canonical(payload, "statement")
    if need(body, "_type", str, "statement") != STATEMENT_TYPE:
        no("The statement is not an in-toto statement.")
    if need(body, "predicateType", str, "statement") != PREDICATE_TYPE:
        no("The statement is of another type than this verifier knows.")
    predicate = need(body, "predicate", dict, "statement")
    rows = need(predicate, "metrics", list, "statement")
    metrics = {need(item, "name", str, "metric"): item for item in rows}
    primaries = [item for item in rows if need(item, "primary", bool, "metric")]
    if len(metrics) != len(rows) or len(primaries) != 1:
        no("A metric is listed twice, or there is not exactly one that decides.")
    policy = need(need(predicate, "decision", dict, "statement"), "policy", dict, "decision")
    found = Statement(sha256_hex(payload), body, predicate, primaries[0], metrics, policy)
    check_subject(found)
    check_shares(predicate)
    for metric in rows:
        check_difference(metric)
    check_verdict(found)
    return found


def check_subject(statement: Statement) -> None:
    subjects = need(statement.body, "subject", list, "statement")
    if len(subjects) != 1:
        no("The statement is not about exactly one version.")
    baseline = need(statement.predicate, "baseline", dict, "statement")
    if digest_of(subjects[0], "digest", "subject") == digest_of(baseline, "digest", "baseline"):
        no("The candidate is the baseline.")


def check_shares(predicate: Json) -> None:
    contributions = need(predicate, "contributions", list, "statement")
    payable = need(
        need(predicate, "attribution", dict, "statement"), "payable", bool, "attribution"
    )
    shares = [need(item, "weightBps", int, "contribution") for item in contributions]
    allowed = {WHOLE_BPS} if payable else {0, WHOLE_BPS}
    if sum(shares) not in allowed or min(shares, default=0) < 0:
        no("The shares do not sum to 10,000 basis points.")
    if len({need(item, "id", str, "contribution") for item in contributions}) != len(shares):
        no("A contribution is listed twice.")


def sign_of(metric: Json) -> int:
    direction = need(metric, "direction", str, "metric")
    if direction not in ("higher", "lower"):
        no("A metric's direction is neither higher nor lower.")
    return 1 if direction == "higher" else -1


def check_difference(metric: Json) -> None:
    name = metric["name"]
    baseline, candidate, delta = (
        need(metric, part, int, name) for part in ("baseline", "candidate", "delta")
    )
    if delta != sign_of(metric) * (candidate - baseline):
        no(f"{name}: delta is not the difference of the scores.")
    interval = need(metric, "interval", dict, name)
    if need(interval, "low", int, name) > need(interval, "high", int, name):
        no(f"{name}: the interval is reversed.")


def check_verdict(statement: Statement) -> None:
    """Refuse a decision that the statement's own numbers do not support."""
    decision, policy, primary = statement.predicate["decision"], statement.policy, statement.primary
    if need(policy, "metric", str, "policy") != primary["name"]:
        no("The policy decides on another metric than the primary one.")
    if need(decision, "accepted", bool, "decision") is not True:
        no("The statement attests no accepted comparison.")
    if need(decision, "reason", str, "decision") != "accepted":
        no("The reason contradicts the decision.")
    test = need(primary, "test", dict, primary["name"])
    p_value, level = (need(test, name, int, "test") for name in ("pE9", "alphaE9"))
    # Both scores are rounded to the worse side: at most one millionth net is lost in delta.
    if (
        primary["interval"]["low"] < need(policy, "margin", int, "policy")
        or primary["delta"] < need(policy, "minimumGain", int, "policy") - 1
        or p_value > level + 1
    ):
        no("Accepted, but the numbers do not reach the policy.")
    for guardrail in need(policy, "guardrails", list, "policy"):
        check_guardrail(guardrail, statement.metrics)


def check_guardrail(guardrail: Json, metrics: dict[str, Json]) -> None:
    name = need(guardrail, "metric", str, "guardrail")
    result = metrics.get(name, {}).get("guardrail")
    margin = need(guardrail, "margin", int, "guardrail")
    if not isinstance(result, dict) or result.get("margin") != margin:
        no(f"Accepted without the guardrail {name}.")
    if result.get("passed") is not True or need(result, "harmUpper", int, name) > margin:
        no(f"Accepted although the guardrail {name} failed.")


def check_issuer(statement: Statement, trust: Trust) -> None:
    issuer = need(statement.predicate, "issuer", dict, "statement")
    instance, environment = (
        need(issuer, name, str, "issuer") for name in ("instance", "environment")
    )
    if trust.instance and instance != trust.instance:
        no(f"The statement speaks for {instance[:60]}, not for {trust.instance}.")
    if environment not in trust.environments:
        no(
            f"The statement comes from the environment {environment[:40]!r};"
            f" you believe {', '.join(sorted(trust.environments))} (see --allow-environment)."
        )


# Attempts: how often these rows were asked before, and the level that was left


def level_of(statement: Statement, number: int) -> float:
    """What the k-th attempt may spend: 6 alpha / (pi^2 k^2); all attempts together, alpha."""
    if number < 1:
        no("Attempts count from 1.")
    alpha = need(statement.policy, "alphaE9", int, "policy") / BILLION
    return float(6 * alpha / (math.pi**2 * number**2))


def check_attempt(records: list[Record], stated: Json, split: str, statement: Statement) -> int:
    """Follow the chain of attempts on these rows from this one to the first; its number."""
    attempts = {record.digest: record for record in of_kind(records, "attempt")}
    own = attempts.get(digest_of(stated, "record", "attempt"))
    if own is None:
        no(f"The attempt of the {split} is not in the log.")
    number, level = (need(stated, name, int, "attempt") for name in ("number", "alphaE9"))
    evaluation = statement.predicate["evaluation"]
    expected = {
        "alphaE9": level,
        "candidate": statement.body["subject"][0]["digest"]["sha256"],
        "comparison": need(evaluation, "comparisonId", str, "evaluation"),
        "number": number,
    }
    if any(own.statement.get(name) != value for name, value in expected.items()):
        no(f"The log tells something else of the attempt of the {split} than the statement.")
    if need(own.statement, "ledger", dict, "attempt").get("split") != split:
        no(f"The attempt of the {split} is one of another split.")
    tries = chain_length(own, attempts)
    if number < tries:
        no(f"This is attempt {number} by the statement, and at least attempt {tries} by the log.")
    if abs(level - math.floor(level_of(statement, number) * BILLION)) > 1:
        no(f"Attempt {number} may not spend {level} billionths.")
    return number


def chain_length(own: Record, attempts: dict[str, Record]) -> int:
    tries, record = 1, own
    while record.previous:
        before = attempts.get(record.previous)
        if before is None or before.index >= record.index:
            no("The chain of attempts on these rows is broken.")
        tries, record = tries + 1, before
    return tries


# Repeating the statistics (docs/statistics.md)


@dataclass(frozen=True)
class Question:
    """What is asked of the evidence: the level, the margin in millionths, and the seed."""

    level: float
    margin: int
    seed: int
    skip_resampling: bool = False


@dataclass(frozen=True)
class Measured:
    """What the evidence says of one metric: scores, gain and bounds in millionths, and p.

    `gain` is exact where a score is a mean. `blur` is how far a score may be off, by rounding.
    """

    rows: int
    units: int
    baseline: int | None
    candidate: int | None
    gain: Fraction
    low: float
    high: float
    p_value: float
    methods: tuple[str, str]
    blur: int = 0


def measure(evidence: Any, metric: Json, asked: Question) -> Measured | None:
    """Repeat one metric's scores, bounds and p; None for a metric of the issuer's own."""
    name = metric["name"]
    form, said = (need(evidence, part, str, "evidence") for part in ("form", "metric"))
    if said != name:
        no(f"The evidence of {name} is that of {said[:40]}.")
    if not (known := name in SIGNS or name.startswith("ndcg@")):
        return None
    if known and sign_of(metric) != SIGNS.get(name, 1):
        no(f"{name} is better in the other direction than the statement says.")
    repeats = {"counts": from_counts, "sums": from_sums, "ranks": from_ranks}
    if form not in repeats or (form == "counts") > (name == "accuracy"):
        no(f"The evidence of {name} has a form {form[:20]!r} that does not fit.")
    return repeats[form](evidence, metric, asked)


def from_counts(evidence: Json, metric: Json, asked: Question) -> Measured:
    """Rows that only the baseline (b) and only the candidate (c) got right, of n."""
    only(evidence, {"b", "c", "form", "metric", "n"}, "evidence")
    b, c, n = (need(evidence, name, int, "evidence") for name in ("b", "c", "n"))
    if n < 1 or min(b, c) < 0 or b + c > n:
        no("The counts of the evidence contradict each other.")
    counted = {"baselineOnly": b, "candidateOnly": c}
    if metric.get("discordant", counted) != counted:
        no(f"{metric['name']}: the evidence counts other rows than the statement.")
    by_midp = asked.margin == 0
    p_value = midp_greater(b, c) if by_midp else tango_p(b, c, n, asked.margin / SCALE)
    return Measured(
        rows=n,
        units=n,
        baseline=None,
        candidate=None,
        gain=Fraction((c - b) * SCALE, n),
        low=tango_lower(b, c, n, asked.level) * SCALE,
        high=-tango_lower(c, b, n, asked.level) * SCALE,
        p_value=p_value,
        methods=("tango-score", "mcnemar-midp" if by_midp else "tango-score"),
    )


def midp_greater(b: int, c: int) -> float:
    """McNemar's one-sided mid-p that the candidate is not better (Fagerland et al. 2013)."""
    pairs = b + c
    if pairs > MAX_PAIRS:
        return midp_by_logarithms(b, c)
    doubled = term = math.comb(pairs, c)
    for won in range(c, pairs):
        term = term * (pairs - won) // (won + 1)
        doubled += 2 * term
    return float(Fraction(doubled, 2 ** (pairs + 1)))


def midp_by_logarithms(b: int, c: int) -> float:
    pairs = b + c
    whole = math.lgamma(pairs + 1) - pairs * math.log(2)
    logs = (
        whole - math.lgamma(won + 1) - math.lgamma(pairs - won + 1) for won in range(c, pairs + 1)
    )
    first = math.exp(next(logs)) / 2
    return math.fsum([first, *(math.exp(value) for value in logs)])


def score_parts(b: int, c: int, n: int, difference: float) -> tuple[float, float]:
    """Numerator and standard deviation of Tango's statistic (1998) at a difference."""
    linear = -c - b + (2 * n - c + b) * difference
    constant = -b * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    q = -2 * constant / (root + linear) if linear > 0 else (root - linear) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    return c - b - n * difference, math.sqrt(max(0.0, variance))


def tango_lower(b: int, c: int, n: int, alpha: float) -> float:
    """The one-sided lower bound of (c - b) / n at level 1 - alpha, by bisection."""
    z = -NormalDist().inv_cdf(alpha)

    def refused(difference: float) -> bool:
        excess, deviation = score_parts(b, c, n, difference)
        return excess > z * deviation

    below, kept = -1.0, (c - b) / n
    if not refused(below):
        return -1.0
    for _ in range(BISECTIONS):
        middle = (below + kept) / 2
        below, kept = (middle, kept) if refused(middle) else (below, middle)
    return below


def tango_p(b: int, c: int, n: int, margin: float) -> float:
    excess, deviation = score_parts(b, c, n, margin)
    if deviation == 0:
        return 0.0 if excess > 0 else 1.0
    return 0.5 * math.erfc(excess / deviation / math.sqrt(2))


# Scores from means of components, and their derivatives by the means

Slopes = list[float]


def mean_score(means: Slopes) -> tuple[float, Slopes]:
    return means[0], [1.0]


def rmse(means: Slopes) -> tuple[float, Slopes]:
    root = math.sqrt(means[0])
    return root, [0.5 / root if root > 0 else 0.0]


def r2(means: Slopes) -> tuple[float, Slopes]:
    variance = means[2] - means[1] ** 2
    if not variance > 0:
        return math.nan, [math.nan] * 3
    share = means[0] / variance**2
    return 1 - means[0] / variance, [-1 / variance, -2 * means[1] * share, share]


def ndcg(means: Slopes) -> tuple[float, Slopes]:
    if not means[1] > 0:
        return math.nan, [math.nan] * 2
    return means[0] / means[1], [1 / means[1], -means[0] / means[1] ** 2]


def balanced_accuracy(means: Slopes) -> tuple[float, Slopes]:
    pairs = list(zip(means[0::2], means[1::2], strict=True))
    present = sum(rows > 0 for _, rows in pairs)
    value, slopes = 0.0, []
    for hits, rows in pairs:
        value += hits / rows / present if rows > 0 else 0.0
        slopes += [1 / rows / present, -hits / rows**2 / present] if rows > 0 else [0.0, 0.0]
    return value, slopes


def f1(means: Slopes) -> tuple[float, Slopes]:
    triples = list(zip(means[0::3], means[1::3], means[2::3], strict=True))
    present = max(1, sum(said + are > 0 for _, said, are in triples))
    value, slopes = 0.0, []
    for hits, said, are in triples:
        either = said + are
        if not either > 0:
            slopes += [0.0] * 3
            continue
        value += 2 * hits / either / present
        by_either = -2 * hits / either**2 / present
        slopes += [2 / either / present, by_either, by_either]
    return value, slopes


SCORES = {"rmse": rmse, "r2": r2, "f1": f1, "balanced_accuracy": balanced_accuracy}
# Components of one model: how many there are, or of what they are a multiple.
WIDTHS = {"rmse": 1, "r2": 3, "f1": 3, "balanced_accuracy": 2}


class Gain:
    """The gain as a function of sums `[weight, baseline…, candidate…]`, and its derivatives."""

    def __init__(self, name: str, sign: int, width: int) -> None:
        self.is_mean = name not in SCORES and not name.startswith("ndcg@")
        self.score = ndcg if name.startswith("ndcg@") else SCORES.get(name, mean_score)
        self.sign, self.parts = sign, (width - 1) // 2

    def scores(self, sums: Slopes) -> tuple[float, float]:
        means = [value / sums[0] for value in sums[1:]]
        return self.score(means[: self.parts])[0], self.score(means[self.parts :])[0]

    def at(self, sums: Slopes) -> tuple[float, Slopes]:
        weight = sums[0]
        if not weight > 0:
            return math.nan, [math.nan] * len(sums)
        means = [value / weight for value in sums[1:]]
        before, down = self.score(means[: self.parts])
        after, up = self.score(means[self.parts :])
        by_weight = dot(down, means[: self.parts]) - dot(up, means[self.parts :])
        slopes = [by_weight, *(-one for one in down), *up]
        return self.sign * (after - before), [self.sign * one / weight for one in slopes]


def dot(left: Any, right: Any) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


class Draws:
    """PCG64 (XSL-RR), 32 bits at a time, low half first; bounded by Lemire's method."""

    def __init__(self, seed: int, block: int) -> None:
        digest = hashlib.sha256(f"hokusai-resample-v1\n{seed}\n{block}".encode()).digest()
        self.state = int.from_bytes(digest[:16], "big")
        self.increment = int.from_bytes(digest[16:], "big") | 1
        self.kept: int | None = None

    def bits32(self) -> int:
        if self.kept is not None:
            low, self.kept = self.kept, None
            return low
        self.state = (self.state * MULTIPLIER + self.increment) & MASK128
        folded, turn = (self.state >> 64) ^ (self.state & MASK64), self.state >> 122
        word = ((folded >> turn) | (folded << (64 - turn))) & MASK64
        self.kept = word >> 32
        return word & MASK32

    def below(self, size: int) -> int:
        product = self.bits32() * size
        if product & MASK32 < size:
            threshold = (1 << 32) % size
            while product & MASK32 < threshold:
                product = self.bits32() * size
        return product >> 32


class Units:
    """Units in natural numbers, and how often resamples draw each; numpy only makes it faster."""

    def __init__(self, units: list[list[int]]) -> None:
        self.size, self.numpy = len(units), find_numpy()
        rows = [[value / SCALE for value in unit] for unit in units]
        self.rows: Any = rows if self.numpy is None else self.numpy.array(rows)

    def drawn(self, seed: int) -> Iterator[Any]:
        """How often each unit is drawn, for all resamples: four from the same places."""
        origins = self.origins()
        for four in range(RESAMPLES // 4):
            if four % (BLOCK // 4) == 0:
                draws = Draws(seed, 4 * four // BLOCK)
                places = self.generator(draws)
            counts = self.counted(draws) if places is None else self.bins(places)
            moved = [counts[origin] for origin in origins] if places is None else counts[origins]
            yield from (counts, counts[::-1], moved, moved[::-1])

    def origins(self) -> Any:
        """For each place, the one that is scattered to it: i goes to g i mod N."""
        step = max(1, self.size * GOLDEN_PPM // SCALE)
        while math.gcd(step, self.size) != 1:
            step += 1
        back = pow(step, -1, self.size)
        found = [place * back % self.size for place in range(self.size)]
        return found if self.numpy is None else self.numpy.array(found)

    def generator(self, draws: Draws) -> Any:
        if self.numpy is None:
            return None
        bits = self.numpy.random.PCG64(0)
        state = {"state": draws.state, "inc": draws.increment}
        bits.state = {"bit_generator": "PCG64", "state": state, "has_uint32": 0, "uinteger": 0}
        return self.numpy.random.Generator(bits)

    def bins(self, generator: Any) -> Any:
        places = generator.integers(0, self.size, size=self.size)
        return self.numpy.bincount(places, minlength=self.size).astype(float)

    def counted(self, draws: Draws) -> list[int]:
        counts, below, size = [0] * self.size, draws.below, self.size
        for _ in range(size):
            counts[below(size)] += 1
        return counts

    def sums(self, counts: Any) -> Slopes:
        if self.numpy is not None:
            return [float(value) for value in counts @ self.rows]
        return [dot(counts, column) for column in zip(*self.rows, strict=True)]

    def squared_error(self, counts: Any, slopes: Slopes) -> float:
        """Of the gain, by influence values."""
        if self.numpy is not None:
            influence = self.rows @ self.numpy.array(slopes)
            spread = float(counts @ (influence * influence))
        else:
            pairs = zip(counts, self.rows, strict=True)
            spread = math.fsum(count * dot(slopes, row) ** 2 for count, row in pairs if count)
        return spread * self.size / (self.size - 1)

    def ones(self) -> Any:
        return [1] * self.size if self.numpy is None else self.numpy.ones(self.size)


def find_numpy() -> Any:
    try:
        return import_module("numpy")
    except ImportError:
        return None


def t_values(units: Units, gain: Gain, whole: float, seed: int) -> list[float]:
    """The sorted t of every resample; NaN, where one has no score, last."""
    alone = gain.is_mean and len({row[0] for row in units.rows}) == 1
    if alone and units.numpy is None:
        return sorted(t_values_of_mean(units, gain.sign, whole, seed))
    found = []
    for counts in units.drawn(seed):
        value, slopes = gain.at(units.sums(counts))
        found.append(studentise(value - whole, units.squared_error(counts, slopes)))
    return sorted(found, key=lambda one: (math.isnan(one), one))


def t_values_of_mean(units: Units, sign: int, whole: float, seed: int) -> Iterator[float]:
    """The same for a mean over units that weigh alike: sums and squares are enough."""
    centred = [sign * (row[2] - row[1]) / row[0] - whole for row in units.rows]
    squares, size = [value * value for value in centred], units.size
    for counts in units.drawn(seed):
        mean = sum(map(mul, counts, centred)) / size
        spread = sum(map(mul, counts, squares)) - size * mean * mean
        yield studentise(mean, max(spread, 0.0) / (size - 1) / size)


def studentise(distance: float, squared_error: float) -> float:
    if math.isnan(distance) or math.isnan(squared_error):
        return math.nan
    if squared_error > 0:
        return round(distance / math.sqrt(squared_error), T_DECIMALS)
    return 0.0 if distance == 0 else math.copysign(math.inf, distance)


def from_sums(evidence: Json, metric: Json, asked: Question) -> Measured | None:
    """Sums per unit, resampled by the studentised bootstrap."""
    names = {"clustered", "form", "metric", "n", "resamples", "seed", "units", "weighted"}
    only(evidence, names, "evidence")
    units = read_units(evidence, metric["name"])
    if (evidence["seed"], evidence["resamples"]) != (asked.seed, RESAMPLES):
        no("The evidence names another seed, or another number of resamples, than it must.")
    gain = Gain(metric["name"], sign_of(metric), len(units[0]))
    totals = [sum(column) for column in zip(*units, strict=True)]
    before, after, exact, blur = sums_scores(gain, totals)
    if len(units) < MINIMUM_ROWS:
        low, high, p_value, method = -math.inf, math.inf, 1.0, "none"
    elif asked.skip_resampling:
        return None
    else:
        low, high, p_value, method = bootstrap(Units(units), gain, totals, asked)
    higher = gain.sign > 0
    return Measured(
        rows=need(evidence, "n", int, "evidence"),
        units=len(units),
        baseline=math.ceil(before) if higher else math.floor(before),
        candidate=math.floor(after) if higher else math.ceil(after),
        gain=exact,
        low=low,
        high=high,
        p_value=p_value,
        methods=(method, method),
        blur=blur,
    )


def read_units(evidence: Json, name: str) -> list[list[int]]:
    units = need(evidence, "units", list, "evidence")
    width = len(units[0]) if units and isinstance(units[0], list) else 0
    parts = WIDTHS.get(name, 2 if name.startswith("ndcg@") else 1)
    fits = width % 2 == 1 and (width - 1) // 2 % parts == 0 and width > 1
    if not fits or (name not in ("f1", "balanced_accuracy") and (width - 1) // 2 != parts):
        no(f"The units of {name} have another number of parts than they must.")
    for unit in units:
        if not isinstance(unit, list) or len(unit) != width or set(map(type, unit)) != {int}:
            no(f"The units of {name} are not lists of whole numbers of one length.")
        if unit[0] < 0:
            no(f"A unit of {name} has a weight below zero.")
    check_weights(evidence, sum(unit[0] for unit in units), len(units), name)
    if units != sorted(units):
        no(f"The units of {name} are not in order.")
    return units


def check_weights(evidence: Json, total: int, units: int, name: str) -> None:
    """Without weights every row weighs a million; of a ranking only the first of a group."""
    n = need(evidence, "n", int, "evidence")
    weighted, clustered = (
        need(evidence, flag, bool, "evidence") for flag in ("weighted", "clustered")
    )
    if name.startswith("ndcg@") and not weighted:
        fits = SCALE * units <= total <= SCALE * n if clustered else total == SCALE * units
    else:
        fits = (clustered or units == n) and (weighted or total == SCALE * n)
    if not fits or units > n or total <= 0:
        no(f"The weights of {name} do not add up to its rows.")


def sums_scores(gain: Gain, totals: list[int]) -> tuple[Fraction, Fraction, Fraction, int]:
    """Both scores and the gain in millionths, and how many millionths the scores may be off."""
    if gain.is_mean:
        before, after = (Fraction(value * SCALE, totals[0]) for value in totals[1:])
        return before, after, gain.sign * (after - before), 0
    before_score, after_score = gain.scores([value / SCALE for value in totals])
    if not math.isfinite(after_score - before_score):
        no("The metric has no value on these rows.")
    fine = [Fraction(round(one * SCALE**2), SCALE) for one in (before_score, after_score)]
    exact = round(gain.sign * (after_score - before_score) * SCALE**2)
    return fine[0], fine[1], Fraction(exact, SCALE), 1


def bootstrap(
    units: Units, gain: Gain, totals: list[int], asked: Question
) -> tuple[float, float, float, str]:
    """Both bounds in millionths, p, and the name of the method."""
    whole, slopes = gain.at([value / SCALE for value in totals])
    largest = max(abs(value) for value in totals[1:]) / totals[0]
    if all(abs(dot(slopes, row)) <= ALIKE * largest for row in units.rows):
        return alike(whole, units.size, asked)
    error = math.sqrt(units.squared_error(units.ones(), slopes))
    seen = t_values(units, gain, whole, asked.seed)
    low = whole - upper_quantile(seen, asked.level, units.size) * error
    mirrored = sorted((-one for one in seen), key=lambda one: (math.isnan(one), one))
    high = whole + upper_quantile(mirrored, asked.level, units.size) * error
    observed = round((whole - asked.margin / SCALE) / error, T_DECIMALS)
    p_value = p_greater(seen, observed, units.size)
    return millionths(low), millionths(high), p_value, "studentised-bootstrap"


def alike(whole: float, size: int, asked: Question) -> tuple[float, float, float, str]:
    """All units say the same: signs are flipped instead of units drawn."""
    least = 0.5**size
    low, high = (whole, whole) if least <= asked.level else (-math.inf, math.inf)
    p_value = least if whole > asked.margin / SCALE else 1.0
    return millionths(low), millionths(high), p_value, "constant-difference"


def millionths(value: float) -> float:
    return round(value * SCALE, 6) if math.isfinite(value) else value


def upper_quantile(seen: list[float], alpha: float, size: int) -> float:
    beyond, student = math.floor(alpha * (len(seen) + 1)) - 1, student_quantile(alpha, size - 1)
    if beyond >= TAIL:
        return max(student, far(seen[len(seen) - 1 - beyond]))
    last = far(seen[len(seen) - 1 - TAIL])
    return max(last, student * widening(seen, size))


def widening(seen: list[float], size: int) -> float:
    share = (TAIL + 1) / (len(seen) + 1)
    return max(1.0, far(seen[len(seen) - 1 - TAIL]) / student_quantile(share, size - 1))


def p_greater(seen: list[float], observed: float, size: int) -> float:
    beyond = sum(not one < observed for one in seen)
    counted, student = (beyond + 1) / (len(seen) + 1), student_tail(observed, size - 1)
    if beyond > TAIL:
        return max(student, counted)
    wider = widening(seen, size)
    if math.isinf(wider):
        return max(student, (TAIL + 1) / (len(seen) + 1))
    return max(student, min(counted, student_tail(observed / wider, size - 1)))


def far(value: float) -> float:
    return math.inf if math.isnan(value) else value


def student_tail(t: float, degrees: int) -> float:
    """P(T > t), by the incomplete beta function."""
    if t < 0:
        return 1 - student_tail(-t, degrees)
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2


def student_quantile(alpha: float, degrees: int) -> float:
    """The t that is exceeded with a probability of alpha, by bisection."""
    low, high = 0.0, 1.0
    while student_tail(high, degrees) > alpha:
        high *= 2
    for _ in range(2 * BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, degrees) > alpha else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(front + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / (1 + term * d), 1 + term / c
            fraction *= d * c
        if abs(d * c - 1) < EPSILON:
            break
    return front * fraction


Row = list[int]


def from_ranks(evidence: Json, metric: Json, asked: Question) -> Measured:
    """Areas under the ROC curve of the same rows: DeLong's variance by units (Obuchowski 1997)."""
    only(evidence, {"clustered", "form", "metric", "n", "units", "weighted"}, "evidence")
    units = read_ranks(evidence, metric["name"])
    rows = [row for unit in units for row in unit]
    areas = [placements(rows, column) for column in (1, 2)]
    mass = [sum(row[0] for row in rows if row[3] == label) for label in (0, 1)]
    before, after = (
        sum(row[0] * one for row, one in zip(rows, area, strict=True) if row[3]) / mass[1]
        for area in areas
    )
    gains = [late - early for early, late in zip(*areas, strict=True)]
    gain = sum(row[0] * one for row, one in zip(rows, gains, strict=True) if row[3]) / mass[1]
    low, high, p_value, method = area_bounds(units, gains, gain, mass, asked)
    return Measured(
        rows=len(rows),
        units=len(units),
        baseline=-math.floor(round(-before * SCALE**2) / SCALE),
        candidate=math.floor(round(after * SCALE**2) / SCALE),
        gain=Fraction(round(gain * SCALE**2), SCALE),
        low=low,
        high=high,
        p_value=p_value,
        methods=(method, method),
        blur=1,
    )


def read_ranks(evidence: Json, name: str) -> list[list[Row]]:
    units: list[list[Row]] = need(evidence, "units", list, "evidence")
    for unit in units:
        for row in unit:
            whole = len(row) == 4 and set(map(type, row)) == {int}  # noqa: PLR2004
            if not whole or min(row) < 0 or row[3] > 1 or max(row[1:3]) >= evidence["n"]:
                no(f"A row of {name} is not a weight, two places and a label.")
    if units != sorted(sorted(unit) for unit in units) or not all(units):
        no(f"The units of {name} are not in order.")
    rows = [row for unit in units for row in unit]
    check_weights(evidence, sum(row[0] for row in rows), len(units), name)
    if len(rows) != evidence["n"]:
        no(f"The evidence of {name} has another number of rows than it says.")
    held = [sum(any(row[3] == y and row[0] for row in unit) for unit in units) for y in (0, 1)]
    if min(held) < 2:  # noqa: PLR2004
        no(f"{name} needs rows of each class in at least two units.")
    return units


def placements(rows: list[Row], column: int) -> list[float]:
    """Per row the share of the other class's weight that it is in the right order with."""
    size = max(row[column] for row in rows) + 1
    mass = [[0] * size, [0] * size]
    for row in rows:
        mass[row[3]][row[column]] += row[0]
    below = []
    for label in (0, 1):
        cumulated, shares, whole = 0, [], sum(mass[label])
        for one in mass[label]:
            shares.append((cumulated + one / 2) / whole)
            cumulated += one
        below.append(shares)
    return [below[0][row[column]] if row[3] else 1 - below[1][row[column]] for row in rows]


def area_bounds(
    units: list[list[Row]], gains: list[float], gain: float, mass: list[int], asked: Question
) -> tuple[float, float, float, str]:
    shares, place = [], 0
    for unit in units:
        parts = [0.0, 0.0]
        for row in unit:
            parts[row[3]] += row[0] * (gains[place] - gain) / mass[row[3]]
            place += 1
        shares.append(parts)
    held = [sum(any(row[3] == y and row[0] for row in unit) for unit in units) for y in (0, 1)]
    variance = 2 * len(units) / (len(units) - 1) * math.fsum(one[0] * one[1] for one in shares)
    for label in (0, 1):
        spread = math.fsum(one[label] ** 2 for one in shares)
        variance += held[label] / (held[label] - 1) * spread
    if len(units) < MINIMUM_ROWS:
        return -math.inf, math.inf, 1.0, "none"
    if variance <= NO_VARIANCE:
        return alike(gain, min(held), asked)
    error, degrees = math.sqrt(variance), min(held) - 1
    reach = student_quantile(asked.level, degrees) * error
    p_value = student_tail((gain - asked.margin / SCALE) / error, degrees)
    return millionths(gain - reach), millionths(gain + reach), p_value, "delong"


# Whether it still stands


def check_status(bundle: Json, records: list[Record], statement: Statement) -> str:
    """Find this attestation in the newest status list given; return when that list was made."""
    status = need(bundle, "status", dict, "bundle")
    only(status, {"entry", "index", "path", "record"}, "status")
    place = need(status, "record", int, "status")
    lists = [item for item in of_kind(records, "status") if item.index == place]
    if not lists or lists[0].statement.get("_type") != STATUS_TYPE:
        no("The bundle's status list is not in the log.")
    listed, text = lists[0].statement, need(status, "entry", str, "status")
    index, size = need(status, "index", int, "status"), need(listed, "size", int, "status list")
    node = leaf_hash(text.encode())
    root = root_from_path(node, index, size, path_of(status, "status"), "status")
    if root.hex() != digest_of(listed, "root", "status list"):
        no("The status of this attestation is not in the status list.")
    entry = parse_canonical(text.encode(), "status")
    if need(entry, "attestation", str, "status") != statement.id:
        no("The status is one of another attestation.")
    made = need(listed, "issuedOn", str, "status list")
    moment(made, "time of the status list")
    if need(entry, "status", str, "status") != "valid":
        no(f"Revoked: the status list of {made} no longer counts this attestation as valid.")
    if lists[0].index <= own_record(records, statement).index:
        no("The status list is older than the attestation.")
    return str(made)


def check_not_revoked(records: list[Record], statement: Statement) -> None:
    for record in of_kind(records, "revocation"):
        if record.statement.get("attestation") == {"sha256": statement.id}:
            reason = str(record.statement.get("reason", ""))[:200]
            no(f"Revoked at log index {record.index}: {reason}")


def check_not_expired(statement: Statement, now: datetime) -> str:
    until = need(statement.predicate, "expiresOn", str, "statement")
    if moment(until, "end of validity") < now:
        no(f"Expired: the attestation was valid until {until}.")
    return str(until)


def own_record(records: list[Record], statement: Statement) -> Record:
    for record in of_kind(records, "attestation"):
        if record.digest == statement.id:
            return record
    return no("The attestation itself is not in the log.")


# The bundle


BUNDLE_FIELDS = {
    "checkpoint",
    "eip712",
    "envelope",
    "evidence",
    "format",
    "keys",
    "log",
    "manifests",
    "outcomes",
    "rows",
    "status",
    "version",
}


@dataclass
class Report:
    """What was proven, in the order in which it was."""

    facts: Json = field(default_factory=dict)
    proven: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    skip_resampling: bool = False


@dataclass(frozen=True)
class Verified:
    """A bundle that holds."""

    statement: Statement
    report: Report
    bundle: Json


def verify_bundle(data: bytes, trust: Trust, now: datetime) -> Verified:
    """Verify everything that a bundle claims. Raises Rejected with what is wrong."""
    bundle = parse_canonical(data, "bundle")
    only(bundle, BUNDLE_FIELDS, "bundle")
    if (bundle["format"], bundle["version"]) != (BUNDLE_FORMAT, 1):
        no("The file is not a proof bundle of version 1.")
    checkpoint = open_checkpoint(need(bundle, "checkpoint", str, "bundle"), trust)
    records = [included(item, checkpoint) for item in need(bundle, "log", list, "bundle")]
    if len({record.index for record in records}) != len(records):
        no("A log record is given twice.")
    keys = read_keys(records, need(bundle, "keys", list, "bundle"), trust)
    payload, signers = open_envelope(bundle["envelope"], keys)
    enough(signers, trust, "attestation")
    statement = read_statement(payload)
    check_issuer(statement, trust)
    own = check_signers(records, statement, signers)
    check_not_revoked(records, statement)
    report = Report({"attestation": statement.id, "signers": [key.key_id for key in signers]})
    report.skip_resampling = trust.skip_resampling
    report.facts["expiresOn"] = check_not_expired(statement, now)
    made = check_status(bundle, records, statement)
    tell_standing(report, checkpoint, own.index, made)
    check_manifests(bundle, statement)
    check_rows(bundle, statement, report)
    check_typed_data(bundle["eip712"], statement, (keys, own.index), report)
    # Last, because it takes the longest.
    repeat(bundle, records, statement, report)
    return Verified(statement, report, bundle)


def check_signers(records: list[Record], statement: Statement, signers: list[Key]) -> Record:
    """Every key was valid when it signed; returns the attestation's own record."""
    own = own_record(records, statement)
    if own.key_id != signers[0].key_id:
        no("The log names another signer than the envelope.")
    for key in signers:
        key.check(own.index, statement.issued)
    return own


def check_manifests(bundle: Json, statement: Statement) -> None:
    predicate = statement.predicate
    stated = {
        "baseline": digest_of(predicate["baseline"], "digest", "baseline"),
        "benchmark": digest_of(
            need(predicate, "benchmark", dict, "statement"), "specDigest", "benchmark"
        ),
        "candidate": digest_of(statement.body["subject"][0], "digest", "subject"),
    }
    if need(bundle, "manifests", dict, "bundle") != stated:
        no("The manifests' digests are not those of the statement.")


def tell_standing(report: Report, checkpoint: Checkpoint, index: int, made: str) -> None:
    """Say until when the log is known, and by whose clock."""
    witnesses = sorted(checkpoint.seen)
    when = f"{made} by its issuer's clock"
    if witnesses:
        when = f"{max(checkpoint.seen.values()):%Y-%m-%dT%H:%M:%SZ} by its witnesses' clock"
        seen = f"seen by {len(witnesses)} witness(es): {', '.join(witnesses)}"
    else:
        seen = "no witness asked for: the log's operator alone vouches for its history"
    report.facts |= {
        "logIndex": index,
        "checkpoint": {
            "origin": checkpoint.origin,
            "root": checkpoint.root.hex(),
            "size": checkpoint.size,
            "witnesses": witnesses,
        },
        "standing": f"valid, not revoked as of checkpoint {checkpoint.size} of"
        f" {checkpoint.origin}, {when}",
    }
    report.proven += [
        f"{len(report.facts['signers'])} signature(s), by keys that the log introduces",
        f"leaf {index} of {checkpoint.size} in the log {checkpoint.origin}",
        seen,
    ]


# Rows that were shown


def check_rows(bundle: Json, statement: Statement, report: Report) -> None:
    """Hold per-row outcomes, where they are given, against the salted roots of the statement."""
    predicate = statement.predicate
    stated = {"screening": need(predicate["evaluation"], "outcomes", dict, "evaluation")}
    if "absent" not in predicate["confirmation"]:
        stated["confirmation"] = need(predicate["confirmation"], "outcomes", dict, "confirmation")
    roots = need(bundle, "outcomes", dict, "bundle")
    if roots != stated:
        no("The roots of the outcomes are not those of the statement.")
    if bundle["rows"] is None:
        report.unchecked.append("per-row outcomes: not in this bundle, only their salted roots")
        return
    rows = need(bundle, "rows", dict, "bundle")
    counted = 0
    if set(rows) != set(roots):
        no("The rows are not those of the splits which the statement names.")
    for split, sides in sorted(rows.items()):
        only(sides, {"baseline", "candidate"}, f"rows of the {split}")
        for role in ("baseline", "candidate"):
            side = need(sides, role, dict, f"rows of the {split}")
            only(side, {"rows", "secret"}, f"rows of the {split}")
            counted += check_outcomes(side, digest_of(roots[split], role, "outcomes"), role)
    report.facts["rowsShown"] = counted
    report.proven.append(f"{counted} per-row outcomes are those that the statement commits to")


def check_outcomes(side: Json, root: str, role: str) -> int:
    secret = unhex(need(side, "secret", str, "outcomes"), "secret of the outcomes")
    rows = need(side, "rows", list, "outcomes")
    if not rows or not all(isinstance(row, str) for row in rows) or len(secret) != HASH_BYTES:
        no(f"The outcomes of the {role} are malformed.")
    leaves = [leaf_hash(row_salt(secret, i) + row.encode()) for i, row in enumerate(rows)]
    if tree_root(leaves).hex() != root:
        no(f"The outcomes of the {role} are not those that the statement commits to.")
    return len(rows)


def row_salt(secret: bytes, index: int) -> bytes:
    return hmac.digest(secret, index.to_bytes(8, "big"), "sha256")


DISCLOSURE_FIELDS = {
    "attestations",
    "contribution",
    "format",
    "index",
    "path",
    "root",
    "row",
    "salt",
    "size",
    "version",
}


def verify_disclosure(data: bytes, verified: Verified) -> Json:
    """Prove that one row was in a contribution of the attestation. Raises Rejected."""
    shown = parse(data, "disclosure")
    only(shown, DISCLOSURE_FIELDS, "disclosure")
    if (shown["format"], shown["version"]) != (DISCLOSURE_FORMAT, 1):
        no("The file is not a disclosure of version 1.")
    if verified.statement.id not in need(shown, "attestations", list, "disclosure"):
        no("The disclosure is not about this attestation.")
    wanted = need(shown, "contribution", str, "disclosure")
    listed = [
        item for item in verified.statement.predicate["contributions"] if item["id"] == wanted
    ]
    if not listed:
        no("The attestation lists no such contribution.")
    index, size = (need(shown, name, int, "disclosure") for name in ("index", "size"))
    row, salt = (unhex(need(shown, name, str, "disclosure"), name) for name in ("row", "salt"))
    if len(salt) != HASH_BYTES or size != need(listed[0], "rows", int, "contribution"):
        no("The disclosure is of another number of rows than the contribution.")
    root = root_from_path(leaf_hash(salt + row), index, size, path_of(shown, "row"), "row")
    if not root.hex() == shown["root"] == digest_of(listed[0], "disclosureRoot", "contribution"):
        no("The row is not one of the contribution that the attestation lists.")
    return {
        "attestation": verified.statement.id,
        "contribution": wanted,
        "contributor": listed[0].get("contributor"),
        "row": index,
        "cells": read_cells(row),
        "candidate": verified.statement.body["subject"][0].get("uri"),
    }


def read_cells(data: bytes) -> list[str]:
    """The cells of a row as they were given: text, integers, numbers, booleans; null: missing."""
    cells = []
    while data:
        cell, data = next_cell(data)
        cells.append(cell)
    return cells


def next_cell(data: bytes) -> tuple[str, bytes]:
    tag, rest = data[:1], data[1:]
    if tag == b"b" and rest[:1] in (b"\x00", b"\x01", b"\xff"):
        return {0: "false", 1: "true", 255: "null"}[rest[0]], rest[1:]
    if tag == b"n" and len(rest) >= NUMBER_BYTES:
        (value,) = struct.unpack(">d", rest[:NUMBER_BYTES])
        return "null" if math.isnan(value) else repr(value), rest[NUMBER_BYTES:]
    size = int.from_bytes(rest[:4], "big")
    if tag not in (b"t", b"i") or len(rest) < 4:  # noqa: PLR2004
        no("The row is not encoded as rows are.")
    if rest[:4] == MISSING:
        return "null", rest[4:]
    if len(rest) < 4 + size:
        no("The row ends too early.")
    return rest[4 : 4 + size].decode("utf-8", "replace"), rest[4 + size :]


# The signature for chains (EIP-712)


def check_typed_data(
    given: Any, statement: Statement, known: tuple[dict[str, Key], int], report: Report
) -> None:
    """Hold the typed data against the statement, and recover its signer with `eth-account`."""
    if given is None:
        return
    only(given, {"digest", "key_id", "signature", "signer", "typed_data"}, "EIP-712 part")
    message = chain_message(need(given, "typed_data", dict, "EIP-712 part"))
    facts = chain_facts(statement)
    if set(message) != {*facts, "modelId", "metric"}:
        no("The typed data has other fields than it should; those would not be signed.")
    for name, value in facts.items():
        if message[name] != value:
            no(f"The typed data has another {name} than the statement.")
    keys, index = known
    key = keys.get(str(given["key_id"]))
    if key is None or key.purpose != "chain":
        no("The log introduces no key for chains that the EIP-712 signature names.")
    key.check(index, statement.issued)
    try:
        signer = recovered(given, message, statement, key)
    except ImportError:
        report.unchecked.append("EIP-712 signature: not checked here, without eth-account")
        return
    report.proven.append(f"EIP-712 signature of {signer}")


def recovered(given: Json, message: Json, statement: Statement, key: Key) -> str:
    """The signer's address. Raises ImportError without eth-account, Rejected for a wrong one."""
    # Importing it lets Python recurse beyond its stack, which a later file could make use of.
    limit = sys.getrecursionlimit()
    account, encode = (import_module(name) for name in ("eth_account", "eth_account.messages"))
    sys.setrecursionlimit(limit)
    hashed: Callable[..., bytes] = import_module("eth_utils").keccak
    model = statement.body["subject"][0]["uri"].removeprefix("hokusai://models/").partition("/")[0]
    words = {"modelId": hashed(text=model), "metric": hashed(text=statement.primary["name"])}
    if any(message.get(name) != f"0x{word.hex()}" for name, word in words.items()):
        no("The typed data speaks of another model or metric than the statement.")
    signed = encode.encode_typed_data(full_message=given["typed_data"])
    digest = hashed(b"\x19" + signed.version + signed.header + signed.body)
    signature, wrong = chain_signature(given), import_module("eth_keys.exceptions").BadSignature
    try:
        signer = str(account.Account.recover_message(signed, signature=signature))
    except (ValueError, wrong) as error:
        raise Rejected("The EIP-712 signature is not one of any key.") from error
    if given["digest"] != f"0x{digest.hex()}" or signer != given["signer"]:
        no("The EIP-712 signature is not one of the signer it names.")
    if signer != key.address:
        no("The EIP-712 signature is by another key than the log introduces.")
    return signer


def chain_message(typed: Json) -> Json:
    """The message of typed data in the one form that is signed; what else is in it is refused."""
    only(typed, {"domain", "message", "primaryType", "types"}, "typed data")
    domain = need(typed, "domain", dict, "typed data")
    own = [{"name": name, "type": CHAIN_DOMAIN[name]} for name in domain if name in CHAIN_DOMAIN]
    kind = next((name for name in PLACES if name in domain), "")
    place = domain.get(kind, "")
    chain_id = need(domain, "chainId", int, "domain")
    named = (domain.get("name"), domain.get("version"), len(domain)) == ("Hokusai", "1", 4)
    if not named or chain_id < 1 or not isinstance(place, str):
        no("The domain of the typed data is not one of Hokusai.")
    if len(unhex(place.removeprefix("0x").lower(), "domain's place")) != PLACES.get(kind):
        no("The domain of the typed data names neither a contract nor a salt.")
    listed = need(typed["types"], "EIP712Domain", list, "typed data")
    if typed["primaryType"] != "ModelImprovement" or typed["types"] != CHAIN_TYPES | {
        "EIP712Domain": listed
    }:
        no("The typed data is of other types than those that are signed.")
    if sorted(map(canonical, listed)) != sorted(map(canonical, own)):
        no("The domain of the typed data has other fields than its type.")
    return dict(need(typed, "message", dict, "typed data"))


CHAIN_DOMAIN = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}
PLACES = {"verifyingContract": 20, "salt": 32}
CHAIN_TYPES = {
    "ModelImprovement": [
        {"name": "attestationId", "type": "bytes32"},
        {"name": "modelId", "type": "bytes32"},
        {"name": "baselineDigest", "type": "bytes32"},
        {"name": "candidateDigest", "type": "bytes32"},
        {"name": "benchmarkDigest", "type": "bytes32"},
        {"name": "metric", "type": "bytes32"},
        {"name": "baselineScore", "type": "int64"},
        {"name": "candidateScore", "type": "int64"},
        {"name": "delta", "type": "int64"},
        {"name": "scale", "type": "uint64"},
        {"name": "sampleCount", "type": "uint64"},
        {"name": "contributors", "type": "Contributor[]"},
        {"name": "issuedAt", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
    ],
    "Contributor": [
        {"name": "account", "type": "address"},
        {"name": "weightBps", "type": "uint16"},
    ],
}


def chain_facts(statement: Statement) -> Json:
    """What the typed data must say, as far as it needs no keccak."""
    predicate, primary = statement.predicate, statement.primary
    shares = shares_of(predicate["contributions"])
    weights = {who.removeprefix("eip155:1:"): bps for who, bps in shares.items()}
    return {
        "attestationId": f"0x{statement.id}",
        "baselineDigest": f"0x{predicate['baseline']['digest']['sha256']}",
        "candidateDigest": f"0x{statement.body['subject'][0]['digest']['sha256']}",
        "benchmarkDigest": f"0x{predicate['benchmark']['specDigest']['sha256']}",
        "baselineScore": primary["baseline"],
        "candidateScore": primary["candidate"],
        "delta": primary["delta"],
        "scale": SCALE,
        "sampleCount": predicate["evaluation"]["rows"],
        "contributors": [
            {"account": account, "weightBps": weights[account]}
            for account in sorted(weights, key=str.lower)
            if weights[account]
        ],
        "issuedAt": int(statement.issued.timestamp()),
        "deadline": int(moment(predicate["expiresOn"], "end of validity").timestamp()),
    }


def chain_signature(given: Json) -> bytes:
    signature = unhex(need(given, "signature", str, "EIP-712 part")[2:], "EIP-712 signature")
    if len(signature) != SIGNATURE_BYTES + 1 or signature[-1] not in (27, 28):
        no("The EIP-712 signature is not 65 bytes that end in 27 or 28.")
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        no("The EIP-712 signature is the high-s twin of one.")
    return signature


# Repeating the decision


def repeat(bundle: Json, records: list[Record], statement: Statement, report: Report) -> None:
    """Recompute what was measured and decided from the evidence."""
    predicate = statement.predicate
    evaluation = need(predicate, "evaluation", dict, "statement")
    given = need(bundle, "evidence", dict, "bundle")
    bound = need(evaluation, "evidence", dict, "evaluation")
    confirmation = need(predicate, "confirmation", dict, "statement")
    expected = {"screening"} if "absent" in confirmation else {"screening", "confirmation"}
    if not set(given) == set(bound) == expected:
        no("The evidence is not that of the splits which the statement names.")
    for split, evidence in given.items():
        if sha256_hex(canonical(evidence)) != digest_of(bound, split, "evidence"):
            no(f"The evidence of the {split} is not what the statement commits to.")
    repeat_screening(given["screening"], records, statement, report)
    if "absent" in confirmation:
        report.facts["confirmation"] = "none: this benchmark keeps no rows for it"
    else:
        repeat_confirmation(given["confirmation"], records, statement, report)
    check_payable(statement, report)


def repeat_screening(
    evidence: Json, records: list[Record], statement: Statement, report: Report
) -> None:
    evaluation, policy = statement.predicate["evaluation"], statement.policy
    number = check_attempt(records, evaluation["attempt"], "screening", statement)
    level = level_of(statement, number)
    seed, rows = (need(evaluation, name, int, "evaluation") for name in ("seed", "rows"))
    margins = {item["metric"]: -item["margin"] for item in policy["guardrails"]}
    margins[policy["metric"]] = policy["margin"]
    if not set(evidence) == set(statement.metrics) == set(margins):
        no("There is not evidence for each metric of the policy and for no other.")
    report.proven.append(f"attempt {number} on these rows, which may spend alpha = {level:.6f}")
    for name, metric in sorted(statement.metrics.items()):
        asked = Question(level, margins[name], seed, report.skip_resampling)
        found = measure(evidence[name], metric, asked)
        if found is None:
            report.unchecked.append(f"{name}: its numbers were not repeated")
            continue
        check_sizes(name, found, evidence[name], evaluation)
        agree(name, metric, found, level)
        decide(name, found, statement, level)
        report.proven.append(f"{name}: scores, gain, bounds and test, repeated from {rows} rows")


def check_sizes(name: str, found: Measured, evidence: Json, evaluation: Json) -> None:
    """The evidence is about the rows, weights and clusters that the statement names."""
    if found.rows != need(evaluation, "rows", int, "evaluation"):
        no(f"{name}: the evidence is about {found.rows} rows, not about {evaluation['rows']}.")
    if evidence.get("weighted", False) != evaluation.get("weighted", False):
        no(f"{name}: the evidence and the statement differ on whether rows have weights.")
    clusters = evaluation.get("clusters")
    if evidence.get("clustered", False) != (clusters is not None):
        no(f"{name}: the evidence and the statement differ on whether rows come in clusters.")
    if clusters is not None and found.units > clusters:
        no(f"{name}: the evidence has more clusters than the statement.")


def repeat_confirmation(
    evidence: Json, records: list[Record], statement: Statement, report: Report
) -> None:
    stated, policy = statement.predicate["confirmation"], statement.policy
    number = check_attempt(records, stated["attempt"], "confirmation", statement)
    level, name = level_of(statement, number), policy["metric"]
    if name not in evidence:
        no("The confirmation has no evidence of the metric that decides.")
    seed = statement.predicate["evaluation"]["seed"]
    metric = {"name": name, "direction": statement.primary["direction"], **stated}
    asked = Question(level, policy["margin"], seed, report.skip_resampling)
    found = measure(evidence[name], metric, asked)
    confirmed = need(stated, "confirmed", bool, "confirmation")
    report.facts["confirmation"] = "confirmed" if confirmed else "not confirmed"
    if found is None:
        report.unchecked.append(f"confirmation by {name}: its numbers were not repeated")
        return
    if found.rows != need(stated, "rows", int, "confirmation"):
        no("The confirmation's evidence is about another number of rows.")
    agree("confirmation", metric, found, level)
    if confirmed != (shows(found, policy["margin"], level) and found.gain >= 0):
        no("The confirmation's verdict does not follow from its evidence.")
    report.proven.append(f"confirmation: repeated from {found.rows} other rows")


def shows(found: Measured, margin: int, level: float) -> bool:
    """Whether the gain is shown to exceed the margin at this attempt's level."""
    return found.low > margin and found.p_value <= level and found.units >= MINIMUM_ROWS


def check_payable(statement: Statement, report: Report) -> None:
    attribution = need(statement.predicate, "attribution", dict, "statement")
    payable = need(attribution, "payable", bool, "attribution")
    gain = need(attribution, "payableGain", int, "attribution")
    confirmation = statement.predicate["confirmation"]
    most = min(statement.primary["delta"], confirmation.get("delta", 0))
    if not payable and gain:
        no("A gain is payable although nothing is.")
    if payable and (confirmation.get("confirmed") is not True or not 0 < gain <= most + 1):
        no("More is payable than the confirmation shows.")
    report.facts["payableGain"] = gain


def decide(name: str, found: Measured, statement: Statement, level: float) -> None:
    """Refuse what the evidence does not support: the primary metric's gain, a guardrail's harm."""
    policy = statement.policy
    if name == policy["metric"]:
        if found.gain < policy["minimumGain"]:
            no("The evidence does not show the minimum gain.")
        if not shows(found, policy["margin"], level):
            no("The evidence does not show that the gain exceeds the margin at this level.")
        return
    stated = statement.metrics[name]["guardrail"]
    if not -found.low <= stated["margin"]:
        no(f"The guardrail {name} does not hold on the evidence.")
    if abs(math.ceil(-found.low) - stated["harmUpper"]) > 1:
        no(f"{name}: the harm's upper bound is {-found.low:.0f} by the evidence.")


def agree(name: str, metric: Json, found: Measured, level: float) -> None:
    """Hold the stated whole numbers against the repeated ones; the last digit may differ."""
    interval, test = need(metric, "interval", dict, name), need(metric, "test", dict, name)
    p_blur = 2 + found.p_value * BILLION / SCALE
    if test.get("method") == "studentised-bootstrap":
        # One resample more or less, where two methods of adding fall on both sides of a tie.
        p_blur += BILLION / RESAMPLES
    pairs: list[tuple[str, Any, int, float]] = [
        ("lower bound", interval.get("low"), floor_of(found.low), 1),
        ("upper bound", interval.get("high"), floor_of(found.high), 1),
        ("p", test.get("pE9"), math.ceil(found.p_value * BILLION), p_blur),
        ("level of the test", test.get("alphaE9"), math.floor(level * BILLION), 1),
        ("interval's level", interval.get("levelE9"), math.floor((1 - 2 * level) * BILLION), 1),
        ("delta", metric.get("delta"), math.floor(found.gain), 2),
    ]
    for part in ("baseline", "candidate"):
        if part in metric and (repeated := getattr(found, part)) is not None:
            pairs.append((part, metric[part], repeated, found.blur))
    for what, stated, repeated, blur in pairs:
        if not isinstance(stated, int) or abs(stated - repeated) > blur:
            no(f"{name}: the {what} is {repeated} by the evidence, not {stated}.")
    if (interval.get("method"), test.get("method")) != found.methods:
        no(f"{name}: the methods are {' and '.join(found.methods)} by the evidence.")


def floor_of(bound: float) -> int:
    return math.floor(min(max(bound, -float(MAX_INTEGER)), float(MAX_INTEGER)))


# What is printed


def describe(verified: Verified) -> Json:
    """The facts of a valid attestation, for people and programs."""
    predicate, statement = verified.statement.predicate, verified.statement
    primary, subject = statement.primary, statement.body["subject"][0]
    return verified.report.facts | {
        "valid": True,
        "issuer": predicate["issuer"],
        "issuedOn": predicate["issuedOn"],
        "candidate": subject,
        "baseline": predicate["baseline"],
        "benchmark": predicate["benchmark"],
        "metric": {
            name: primary[name]
            for name in ("name", "direction", "baseline", "candidate", "delta", "interval", "test")
        },
        "shares": {item["contributor"]: 0 for item in predicate["contributions"]}
        | shares_of(predicate["contributions"]),
        "attribution": predicate["attribution"],
        "proven": verified.report.proven,
        "unchecked": verified.report.unchecked,
    }


def shares_of(contributions: list[Json]) -> dict[str, int]:
    shares: dict[str, int] = {}
    for item in contributions:
        shares[item["contributor"]] = shares.get(item["contributor"], 0) + item["weightBps"]
    return shares


def text_of(facts: Json) -> str:
    metric, issuer = facts["metric"], facts["issuer"]
    low, high = (metric["interval"][name] / SCALE for name in ("low", "high"))
    lines = [
        f"VALID      attestation {facts['attestation']}",
        f"standing   {facts['standing']}; expires {facts['expiresOn']}",
        f"issued     {facts['issuedOn']} by {issuer['instance']} ({issuer['environment']})",
        f"candidate  {facts['candidate']['uri']}  sha256:{facts['candidate']['digest']['sha256']}",
        f"baseline   {facts['baseline']['uri']}  sha256:{facts['baseline']['digest']['sha256']}",
        f"gain       {metric['name']} {metric['delta'] / SCALE:+.6f}, between {low:+.6f} and"
        f" {high:+.6f} ({metric['direction']} is better)",
        f"confirmed  {facts['confirmation']}; payable {facts['payableGain'] / SCALE:+.6f}",
    ]
    lines += [f"share      {bps / 100:6.2f} %  {who}" for who, bps in facts["shares"].items()]
    lines += [f"proven     {item}" for item in facts["proven"]]
    lines += [f"unchecked  {item}" for item in facts["unchecked"]]
    return "\n".join(lines)


def text_of_row(facts: Json) -> str:
    return "\n".join(
        [
            f"VALID      row {facts['row']} of contribution {facts['contribution']}",
            f"given by   {facts['contributor']}",
            f"trained    {facts['candidate']} (attestation {facts['attestation']})",
            f"cells      {', '.join(facts['cells'])}",
        ]
    )


# The command


def read_file(path: Path, limit: int) -> bytes:
    if path.stat().st_size > limit:
        no(f"The file {path.name} has more than {limit} bytes.")
    return path.read_bytes()


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = found.add_subparsers(dest="command", required=True)
    for name in ("verify", "disclosure", "outcome"):
        command = commands.add_parser(name)
        if name == "disclosure":
            command.add_argument("file", type=Path, help="what the platform answered to the giver")
        command.add_argument("bundle", type=Path, help="the attestation's proof bundle")
        add_trust(command)
    return found


def add_trust(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--trust", type=Path, help="whom to believe, as JSON")
    add("--log-key", metavar="KEY", action="append", help="the log's key, name+hash+base64")
    add("--witness", metavar="KEY", action="append", help="a witness' verifier key")
    add("--witnesses", metavar="N", type=int, help="how many of them must have cosigned")
    add("--signer", metavar="ID", action="append", help="a key id whose signature counts")
    add("--signatures", metavar="M", type=int, help="how many of them must have signed")
    add("--instance", default="", help="the instance that must speak")
    add("--allow-environment", metavar="NAME", action="append", default=[])
    add("--at", metavar="TIME", help="judge as of this time instead of now")
    add("--skip-resampling", action="store_true", help="do not repeat bootstraps (and say so)")
    add("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace, given: bytes | None) -> tuple[Json, str]:
    """Do what was asked, with the bytes of a trust file; the facts, and the same as text.

    Raises Rejected, or one of MALFORMED for what is not shaped as it must be.
    """
    now = moment(options.at, "time given with --at") if options.at else datetime.now(UTC)
    trust = read_trust(options, given)
    verified = verify_bundle(read_file(options.bundle, MAX_BUNDLE_BYTES), trust, now)
    if options.command == "disclosure":
        row = verify_disclosure(read_file(options.file, MAX_STATEMENT_BYTES), verified)
        return {"valid": True, **row}, text_of_row(row)
    if options.command == "outcome" and verified.bundle["rows"] is None:
        no("This bundle holds no per-row outcomes; they come once the benchmark is retired.")
    facts = describe(verified)
    return facts, text_of(facts)


MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def refused(why: str) -> tuple[Json, str]:
    return {"valid": False, "reason": why}, f"INVALID    {why}"


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        stated = read_file(options.trust, MAX_STATEMENT_BYTES) if options.trust else None
        facts, text = run(options, stated)
    except Rejected as error:
        facts, text = refused(str(error))
    except OSError as error:
        facts, text = refused(f"A file cannot be read: {error}")
    except MALFORMED:
        facts, text = refused("What was given is not shaped as it must be.")
    print(json.dumps(facts, indent=2) if options.json else text)
    return 0 if facts["valid"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
