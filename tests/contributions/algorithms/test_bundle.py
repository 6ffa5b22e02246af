import json
from dataclasses import replace
from typing import Any

import pytest

from contributions.algorithms import bundle
from contributions.algorithms.bundle import (
    BundleError,
    KeyEntry,
    LogEntry,
    Proof,
    ShownRows,
    Standing,
    encode_bundle,
)
from hokusai.core.canonical import parse_canonical
from tests.contributions.algorithms.examples import statement

ENTRY = LogEntry(7, "attestation", "k", "", "d" * 64, "{}", (b"\x01" * 32,))
KEY = KeyEntry("k", "ed25519", "attestation", "pem", "2026-01-01T00:00:00Z", "")


def proof(**changes: Any) -> Proof:
    made = Proof(
        statement=statement(),
        envelope={"payload": "", "payloadType": "", "signatures": []},
        eip712=None,
        checkpoint="note",
        log=(replace(ENTRY, index=9, kind="status", statement=None), ENTRY),
        keys=(replace(KEY, key_id="z"), KEY),
        status=Standing(9, "{}", 3, (b"\x02" * 32,)),
        evidence={"screening": {}},
    )
    return replace(made, **changes)


def test_a_bundle_is_canonical_and_the_same_for_the_same_proof() -> None:
    data = encode_bundle(proof())
    found = parse_canonical(data)
    assert encode_bundle(proof(keys=(KEY, replace(KEY, key_id="z")))) == data
    assert (found["format"], found["version"]) == ("hokusai-proof-bundle", 1)
    assert [entry["index"] for entry in found["log"]] == [7, 9]
    assert [key["keyId"] for key in found["keys"]] == ["k", "z"]
    assert found["log"][1]["statement"] is None
    assert found["status"]["path"] == ["02" * 32]


def test_digests_and_roots_are_those_of_the_statement() -> None:
    found, stated = json.loads(encode_bundle(proof())), statement()
    predicate = stated["predicate"]
    assert found["manifests"]["candidate"] == stated["subject"][0]["digest"]["sha256"]
    assert found["manifests"]["benchmark"] == predicate["benchmark"]["specDigest"]["sha256"]
    assert found["outcomes"]["screening"] == predicate["evaluation"]["outcomes"]


def test_rows_are_shown_with_the_secret_of_their_salts() -> None:
    rows = {"screening": {"baseline": ShownRows("5" * 64, ("{}", "{}"))}}
    found = json.loads(encode_bundle(proof(rows=rows)))
    assert found["rows"] == {"screening": {"baseline": {"secret": "5" * 64, "rows": ["{}", "{}"]}}}
    assert json.loads(encode_bundle(proof()))["rows"] is None


def test_a_bundle_that_is_too_large_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", len(encode_bundle(proof())) - 1)
    with pytest.raises(BundleError, match="at most"):
        encode_bundle(proof())
