"""A proof bundle made by hand from the platform's own algorithms, without its database.

Every part can be changed before it is signed, so that what a verifier says of it is tried alone.
"""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import coincurve
import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contributions.algorithms import statement as parts
from contributions.algorithms.bundle import (
    KeyEntry,
    LogEntry,
    Proof,
    ShownRows,
    Standing,
    encode_bundle,
)
from contributions.algorithms.chain_message import message_of
from contributions.algorithms.status_entries import path_of
from contributions.metric_records import interval_of, metric_records, test_of
from experiments.algorithms.commitments import outcome_rows, salted_root
from experiments.algorithms.decision import (
    Decision,
    Guardrail,
    PairedOutcomes,
    Policy,
    confirm,
    decide,
)
from experiments.algorithms.evidence import evidence_of
from experiments.algorithms.spending import alpha_for_attempt
from hokusai.core.canonical import canonical_bytes, sha256_hex
from hokusai.core.merkle import leaf_hash, root
from hokusai.signers.algorithms import dsse, eip712, secp256k1
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import (
    COSIGNATURE,
    NoteKey,
    cosignature_line,
    cosigned_bytes,
    signed_line,
)

SCRIPT = Path(__file__).parents[2] / "docs" / "attestation" / "verify_hokusai.py"
NOW = "2026-12-01T00:00:00Z"
ORIGIN, WITNESS = "hokusai.example/production/log", "witness.example"
ANNA = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
SECRET = bytes(range(32))
SEED, ROWS, KEPT = 20261120, 400, 200
MILLION, BILLION = 1_000_000, 1_000_000_000
Json = dict[str, Any]
Change = Callable[[Json], object]


@cache
def script() -> ModuleType:
    """The verifier, imported as a file of its own."""
    spec = importlib.util.spec_from_file_location("verify_hokusai", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


SIGNER, OTHER, LOG, COSIGNER = key(1), key(2), key(3), key(4)


def raw(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def pem(private: Ed25519PrivateKey) -> str:
    public = private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(private: Ed25519PrivateKey) -> str:
    return dsse.key_id(private.public_key())


LOG_KEY = NoteKey(ORIGIN, raw(LOG))
WITNESS_KEY = NoteKey(WITNESS, raw(COSIGNER), COSIGNATURE)
TRUST: Json = {
    "format": "hokusai-trust",
    "version": 1,
    "instance": "hokusai.example",
    "environments": ["production"],
    "log": [str(LOG_KEY)],
    "witnesses": {"required": 1, "keys": [str(WITNESS_KEY)]},
    "signers": {"required": 1, "keys": []},
}


def hits(size: int, lost: int, won: int) -> tuple[Any, Any]:
    """Paired hits and misses in millionths: `lost` and `won` rows differ."""
    baseline, candidate = (np.full(size, MILLION, dtype=np.int64) for _ in range(2))
    candidate[:lost] = 0
    baseline[lost : lost + won] = 0
    baseline[-20:] = candidate[-20:] = 0
    return baseline, candidate


def losses(size: int) -> tuple[Any, Any]:
    """Paired losses of which the candidate's are a little lower."""
    rng = np.random.default_rng(7)
    baseline = rng.integers(100_000, 900_000, size)
    return baseline, baseline - rng.integers(-20_000, 60_000, size)


@cache
def screening() -> dict[str, PairedOutcomes]:
    return {
        "accuracy": PairedOutcomes("accuracy", *hits(ROWS, 6, 44)),
        "log_loss": PairedOutcomes("log_loss", *losses(ROWS)),
    }


@cache
def keeping() -> dict[str, PairedOutcomes]:
    return {"accuracy": PairedOutcomes("accuracy", *hits(KEPT, 3, 25))}


@cache
def decision_at(number: int) -> Decision:
    """What is decided of the screening rows at an attempt; resampling takes its time."""
    return decide(POLICY, number, screening(), SEED)


POLICY = Policy("accuracy", guardrails=(Guardrail("log_loss", 10_000),))


@dataclass
class Recipe:
    """What a bundle is made of; `change…` are applied before the thing changed is signed."""

    kept: dict[str, PairedOutcomes] | None = field(default_factory=keeping)
    earlier: int = 2
    signers: Sequence[Ed25519PrivateKey] = (SIGNER,)
    change_statement: Change = lambda made: None
    change_attempt: Change = lambda made: None
    change_key: Change = lambda made: None
    change_status: Change = lambda made: None
    more_records: Callable[[str], list[Json]] = lambda statement_id: []
    revoked: bool = False
    rows: bool = False
    eip712: Callable[[Json], Json] | None = None
    more_keys: Sequence[tuple[Json, KeyEntry]] = ()
    change_entry: Callable[[KeyEntry], KeyEntry] = lambda entry: entry
    pem_of: Callable[[Ed25519PrivateKey], str] = lambda private: pem(private)  # noqa: PLW0108


@dataclass
class Made:
    """A bundle, what it was made of, and the statement in it."""

    bundle: bytes
    statement: Json
    statement_id: str


def make(recipe: Recipe | None = None) -> Made:
    """A bundle as the platform would make it of what the recipe says."""
    recipe = recipe or Recipe()
    attempts = attempts_of(recipe)
    statement, evidence, rows = stated(recipe, attempts)
    recipe.change_statement(statement)
    payload = canonical_bytes(statement)
    statement_id = sha256_hex(payload)
    entries = status_entries(statement_id, revoked=recipe.revoked)
    listed = [leaf_hash(canonical_bytes(entry)) for entry in entries]
    status: Json = {
        "_type": "urn:hokusai:attestation:status-list:v1",
        "number": 7,
        "size": len(entries),
        "root": {"sha256": root(listed).hex()},
        "issuedOn": "2026-11-20T08:10:00Z",
        "issuer": {"instance": "hokusai.example", "environment": "production"},
    }
    recipe.change_status(status)
    records = [
        *[record("key", key_event(one, recipe)) for one in holders(recipe)],
        *[record("key", event) for event, _ in recipe.more_keys],
        *(item for chain in attempts.values() for item in chain),
        {**record("attestation", statement), "keyId": key_id(recipe.signers[0])},
        *recipe.more_records(statement_id),
        record("status", status),
    ]
    log = entries_of(records)
    place = next(entry.index for entry in log if entry.kind == "status")
    mine = next(i for i, entry in enumerate(entries) if entry["attestation"] == statement_id)
    proof = Proof(
        statement=statement,
        envelope=dsse.sign(payload, *recipe.signers),
        eip712=recipe.eip712(statement) if recipe.eip712 else None,
        checkpoint=checkpoint(log),
        log=[entry for entry in log if entry.kind != "events"],
        keys=[
            *(key_entry(one, recipe) for one in holders(recipe)),
            *(entry for _, entry in recipe.more_keys),
        ],
        status=Standing(
            place, canonical_bytes(entries[mine]).decode(), mine, path_of(listed, mine)
        ),
        evidence=evidence,
        rows=rows if recipe.rows else None,
    )
    return Made(encode_bundle(proof), statement, statement_id)


def status_entries(statement_id: str, *, revoked: bool) -> list[Json]:
    others = [sha256_hex(b"%d" % number) for number in range(4)]
    return [
        {
            "attestation": name,
            "revocation": "",
            "status": "revoked" if revoked and name == statement_id else "valid",
        }
        for name in sorted([statement_id, *others])
    ]


def record(kind: str, statement: Json, previous: str = "", *, shown: bool = True) -> Json:
    text = canonical_bytes(statement).decode()
    return {
        "kind": kind,
        "keyId": "",
        "previous": previous,
        "digest": sha256_hex(text.encode()),
        "statement": text if shown else None,
    }


def attempts_of(recipe: Recipe) -> dict[str, list[Json]]:
    """The chain of attempts of each split; of earlier ones the digest alone is shown."""
    chains: dict[str, list[Json]] = {}
    for split, number in (("screening", recipe.earlier + 1), ("confirmation", 1)):
        chain: list[Json] = []
        for place in range(1, number + 1):
            own = place == number
            statement = attempt(split, place, own=own)
            if own:
                recipe.change_attempt(statement)
            previous = chain[-1]["digest"] if chain else ""
            chain.append(record("attempt", statement, previous, shown=own))
        chains[split] = chain
    return chains if recipe.kept is not None else {"screening": chains["screening"]}


def attempt(split: str, number: int, *, own: bool) -> Json:
    return {
        "type": "urn:hokusai:log:attempt:v1",
        "ledger": {"project": "prj_1", "rows": "1" * 64, "split": split},
        "number": number,
        "alphaE9": level_e9(number),
        "benchmark": "2" * 64,
        "comparison": "cmp_1" if own else f"cmp_0{number}",
        "baseline": "b" * 64,
        "candidate": "a" * 64 if own else f"{number:064x}",
        "nonce": f"{number:032x}",
        "time": "2026-11-20T07:00:00Z",
    }


def level_e9(number: int) -> int:
    return int(alpha_for_attempt(POLICY.alpha, number) * BILLION)


def holders(recipe: Recipe) -> list[Ed25519PrivateKey]:
    return list(dict.fromkeys((*recipe.signers, OTHER)))


def key_event(private: Ed25519PrivateKey, recipe: Recipe) -> Json:
    event: Json = {
        "type": "urn:hokusai:log:key:v1",
        "event": "evt_1",
        "action": "introduced",
        "keyId": key_id(private),
        "algorithm": "ed25519",
        "purpose": "attestation",
        "address": "",
        "validFrom": "2026-01-01T00:00:00.250000+00:00",
        "validUntil": None,
        "retiredAt": None,
        "compromisedFromIndex": None,
    }
    recipe.change_key(event)
    return event


def key_entry(private: Ed25519PrivateKey, recipe: Recipe) -> KeyEntry:
    event = key_event(private, recipe)
    entry = KeyEntry(
        key_id(private),
        event["algorithm"],
        event["purpose"],
        recipe.pem_of(private),
        written(event["validFrom"]),
        written(event["validUntil"]),
    )
    return recipe.change_entry(entry) if private is SIGNER else entry


def written(text: str | None) -> str:
    if text is None:
        return ""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def entries_of(records: Sequence[Json]) -> list[LogEntry]:
    """The records as leaves of one tree, each after a batch of events, with their proofs."""
    others = [record("events", {"number": number}) for number in range(len(records))]
    woven = [item for pair in zip(others, records, strict=True) for item in pair]
    leaves = [
        leaf_hash(
            canonical_bytes(
                {
                    "keyId": item["keyId"],
                    "kind": item["kind"],
                    "previous": item["previous"],
                    "statement": {"sha256": item["digest"]},
                }
            )
        )
        for item in woven
    ]
    LEAVES[:] = leaves
    return [
        LogEntry(
            index,
            item["kind"],
            item["keyId"],
            item["previous"],
            item["digest"],
            item["statement"],
            path_of(leaves, index),
        )
        for index, item in enumerate(woven)
    ]


# The leaves of the tree made last, for its checkpoint.
LEAVES: list[bytes] = []


def checkpoint(log: Sequence[LogEntry]) -> str:
    """A checkpoint of the tree made last, signed by the log and cosigned by the witness."""
    text = str(CheckpointText(ORIGIN, len(log), root(LEAVES)))
    seen = int(datetime(2026, 11, 20, 8, 11, tzinfo=UTC).timestamp())
    cosigned = COSIGNER.sign(cosigned_bytes(text, seen))
    return (
        text
        + "\n"
        + signed_line(LOG_KEY, LOG.sign(text.encode()))
        + cosignature_line(WITNESS_KEY, seen, cosigned)
    )


def committed(outcomes: dict[str, PairedOutcomes], side: str) -> list[bytes]:
    return outcome_rows({name: getattr(paired, side) for name, paired in outcomes.items()})


def shown_rows(outcomes: dict[str, PairedOutcomes]) -> dict[str, ShownRows]:
    return {
        side: ShownRows(SECRET.hex(), tuple(line.decode() for line in committed(outcomes, side)))
        for side in ("baseline", "candidate")
    }


def roots(outcomes: dict[str, PairedOutcomes]) -> dict[str, str]:
    return {
        side: salted_root(committed(outcomes, side), SECRET).hex()
        for side in ("baseline", "candidate")
    }


def own_attempt(chain: Sequence[Json]) -> parts.Attempt:
    number = len(chain)
    return parts.Attempt(number, level_e9(number), chain[-1]["digest"])


def stated(
    recipe: Recipe, attempts: dict[str, list[Json]]
) -> tuple[Json, Json, dict[str, dict[str, ShownRows]]]:
    """The statement, the evidence by split and the outcomes per row by split and role."""
    decision, outcomes, policy = decision_at(recipe.earlier + 1), screening(), POLICY
    statistics = asdict(decision)
    evidence: Json = {"screening": evidence_by_metric(outcomes)}
    rows = {"screening": shown_rows(outcomes)}
    confirmation: parts.ConfirmationRecord | parts.NoConfirmation = parts.NoConfirmation("no_split")
    payable = parts.AttributionRecord("row-weights/1", payable_reason="no_split")
    if recipe.kept is not None:
        second = asdict(confirm(policy, 1, recipe.kept, SEED))
        evidence["confirmation"] = evidence_by_metric(recipe.kept)
        rows["confirmation"] = shown_rows(recipe.kept)
        confirmation = parts.ConfirmationRecord(
            confirmed=second["accepted"],
            rows=second["n"],
            attempt=own_attempt(attempts["confirmation"]),
            outcomes=roots(recipe.kept),
            delta=second["delta_ppm"],
            interval=interval_of(second),
            test=test_of(second),
        )
        gain = min(decision.delta_ppm, second["delta_ppm"]) if second["accepted"] else 0
        payable = parts.AttributionRecord(
            "exact-shapley/1", gain, "" if gain else "not_confirmed", 8, 0, "6" * 64
        )
    digests = {split: sha256_hex(canonical_bytes(found)) for split, found in evidence.items()}
    statement = parts.build_statement(
        subject=parts.Artifact(
            "reviews v13", "hokusai://models/acme.reviews/versions/13", "a" * 64
        ),
        baseline=parts.Artifact(
            "reviews v12", "hokusai://models/acme.reviews/versions/12", "b" * 64
        ),
        benchmark=parts.Benchmark("bmk_1", "1" * 64, "2" * 64, decision.n + KEPT),
        evaluation=parts.Evaluation(
            "cmp_1",
            SEED,
            decision.n,
            own_attempt(attempts["screening"]),
            parts.Evaluator("3" * 64, "0.2.0", "A"),
            roots(outcomes),
            digests,
            decision.weighted,
            decision.clusters,
        ),
        metrics=metric_records(statistics),
        decision=parts.DecisionRecord(
            parts.PolicyRecord(
                "hokusai-paired/2",
                policy.metric,
                policy.margin,
                policy.minimum_gain,
                round(policy.alpha * BILLION),
                tuple((item.metric, item.margin) for item in policy.guardrails),
            ),
            decision.accepted,
            decision.reason.value,
        ),
        findings=parts.Findings(confirmation=confirmation),
        attribution=payable,
        contributions=(
            parts.ContributionShare(
                "ctr_1", ANNA, "c" * 64, 5, "CC0-1.0", 6667, (30_000, 9_000, 60_000), GIVEN_ROOT
            ),
            parts.ContributionShare("ctr_2", BEN, "d" * 64, 500, "CC-BY-4.0", 3333),
        ),
        issuer=parts.Issuer("hokusai.example", "production"),
        issued_on=datetime(2026, 11, 20, 8, 5, tzinfo=UTC),
        expires_on=datetime(2027, 11, 20, 8, 5, tzinfo=UTC),
    )
    return statement, evidence, rows


def evidence_by_metric(outcomes: dict[str, PairedOutcomes]) -> Json:
    return {name: evidence_of(paired, SEED) for name, paired in outcomes.items()}


# Five rows that Anna gave, as `registry.algorithms.rows` encodes text, integer and number.
GIVEN = [
    b"t\x00\x00\x00\x05gr\xc3\xaat" + b"i\x00\x00\x00\x01%d" % n + b"n?\xe0\0\0\0\0\0\0"
    for n in range(5)
]
GIVEN_ROOT = salted_root(GIVEN, SECRET).hex()


CHAIN = ec.derive_private_key(20261120, ec.SECP256K1())
CHAIN_KEY = coincurve.PrivateKey((20261120).to_bytes(32, "big"))
CHAIN_ADDRESS = secp256k1.address_of(CHAIN_KEY.public_key.format(compressed=False))
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def for_chain(statement: Json) -> Json:
    """The EIP-712 part of a bundle, as the signer's process makes it."""
    domain, message = eip712.Domain(chain_id=1, salt="0x" + "5" * 64), message_of(statement)
    assert message is not None
    digest = eip712.encode_digest(domain, message)
    return {
        "typed_data": eip712.typed_data(domain, message),
        "digest": f"0x{digest.hex()}",
        "signature": f"0x{signed_digest(digest).hex()}",
        "signer": CHAIN_ADDRESS,
        "key_id": sha256_hex(der(CHAIN)),
    }


def signed_digest(digest: bytes) -> bytes:
    made = CHAIN_KEY.sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big")
    return secp256k1.recoverable(r, s, digest, CHAIN_ADDRESS)


def der(private: Any) -> bytes:
    made: bytes = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return made


def chain_key() -> tuple[Json, KeyEntry]:
    """What the log says of the chain's key, and how a bundle lists it."""
    text = CHAIN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    event = key_event(SIGNER, Recipe()) | {
        "keyId": sha256_hex(der(CHAIN)),
        "algorithm": "secp256k1",
        "purpose": "chain",
        "address": CHAIN_ADDRESS,
    }
    start = written(event["validFrom"])
    entry = KeyEntry(event["keyId"], "secp256k1", "chain", text.decode(), start, "")
    return event, entry


def twin(signature: str) -> str:
    """The other signature of the same message, which chains refuse."""
    data = bytes.fromhex(signature[2:])
    s = CURVE_ORDER - int.from_bytes(data[32:64], "big")
    return f"0x{(data[:32] + s.to_bytes(32, 'big') + bytes([55 - data[64]])).hex()}"
