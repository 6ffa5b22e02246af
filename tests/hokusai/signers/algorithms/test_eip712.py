"""The typed data against ethers: golden vectors always, ethers itself where it is installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import coincurve
import pytest
from eth_account import Account
from eth_utils import keccak

from hokusai.signers.algorithms import secp256k1
from hokusai.signers.algorithms.eip712 import (
    Domain,
    TypedDataError,
    encode_digest,
    recover,
    sign,
    typed_data,
    word_of,
)
from tests.hokusai.signers.improvement import (
    DEADLINE,
    ISSUED,
    PLACE,
    account,
    message,
    with_weights,
)

HERE = Path(__file__).parents[1]
GOLDEN = json.loads((HERE / "golden_eip712.json").read_text(encoding="utf-8"))
VECTORS = {vector["name"]: vector for vector in GOLDEN["vectors"]}
ETHERS = HERE / "ethers"
NOW = ISSUED + 60


def key_of(vector: dict[str, Any]) -> coincurve.PrivateKey:
    """The key that ethers/vectors.cjs signs with."""
    return coincurve.PrivateKey(keccak(text=f"signer of {vector['name']}"))


def signing_with(key: coincurve.PrivateKey) -> Any:
    address = secp256k1.address_of(key.public_key.format(compressed=False))

    def sign_digest(digest: bytes) -> bytes:
        made = key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big")
        return secp256k1.recoverable(r, s, digest, address)

    return sign_digest


def domain_of(fields: dict[str, Any]) -> Domain:
    return Domain(fields["chainId"], fields.get("verifyingContract", ""), fields.get("salt", ""))


@pytest.mark.parametrize("name", VECTORS)
def test_digest_signature_and_signer_are_those_of_ethers(name: str) -> None:
    vector = VECTORS[name]
    stated, signature = vector["typed_data"], bytes.fromhex(vector["signature"][2:])
    domain = domain_of(stated["domain"])
    assert encode_digest(domain, stated["message"]).hex() == vector["digest"][2:]
    assert typed_data(domain, stated["message"]) == stated
    assert recover(domain, stated["message"], signature) == vector["signer"]
    made = sign(domain, stated["message"], signing_with(key_of(vector)), now=NOW)
    assert made == signature


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_ethers_recovers_our_signer() -> None:
    key = coincurve.PrivateKey(keccak(text="ours"))
    asked = []
    for domain in (Domain(1, verifying_contract=PLACE), Domain(5, salt=word_of("demo"))):
        signature = sign(domain, message(), signing_with(key), now=NOW)
        data = typed_data(domain, message())
        asked.append({"typed_data": data, "signature": f"0x{signature.hex()}"})
    done = subprocess.run(
        ["node", "typed_data.cjs"],
        cwd=ETHERS,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "NODE_PATH": os.environ.get("NODE_PATH", "")},
        check=False,
    )
    if "Cannot find module 'ethers'" in done.stderr:
        pytest.skip("ethers is not installed; npm install in tests/hokusai/signers/ethers")
    address = secp256k1.address_of(key.public_key.format(compressed=False))
    assert [found["signer"] for found in json.loads(done.stdout)] == [address, address]


def test_eth_account_recovers_our_signer() -> None:
    key = coincurve.PrivateKey(keccak(text="ours"))
    domain = Domain(1, verifying_contract=PLACE)
    signature = sign(domain, message(), signing_with(key), now=NOW)
    # As a wallet does it, from the digest alone.
    found = Account._recover_hash(encode_digest(domain, message()), signature=signature)
    assert found == secp256k1.address_of(key.public_key.format(compressed=False))


BROKEN = {
    "a field too many": ({"note": "unsigned"}, "would not be signed: note"),
    "short bytes": ({"modelId": "0x" + "ab" * 31}, "modelId is 32 bytes"),
    "long bytes": ({"metric": "0x" + "ab" * 33}, "metric is 32 bytes"),
    "bytes in capitals": ({"metric": "0x" + "AB" * 32}, "metric is 32 bytes"),
    "raw bytes": ({"metric": b"\0" * 32}, "metric is 32 bytes"),
    "a number as text": ({"delta": "18250"}, "delta is an integer"),
    "a bool": ({"scale": True}, "scale is an integer"),
    "a float": ({"delta": 1.0}, "delta is an integer"),
    "no gain": ({"delta": 0}, "delta lies between 1"),
    "beyond int64": ({"candidateScore": 2**63}, "candidateScore lies between"),
    "below uint64": ({"sampleCount": -1}, "sampleCount lies between"),
    "beyond uint64": ({"deadline": 2**64}, "deadline lies between"),
    "no contributors": ({"contributors": []}, "1 to 100 contributors"),
    "101 contributors": (
        {"contributors": with_weights(*([100] * 99), 99, 1)},
        "1 to 100 contributors",
    ),
    "contributors as text": ({"contributors": "all"}, "contributors is a list"),
    "weights of 9,999": ({"contributors": with_weights(5_000, 4_999)}, "not 9999"),
    "weights of 10,001": ({"contributors": with_weights(5_000, 5_001)}, "not 10001"),
    "no weight": ({"contributors": with_weights(10_000, 0)}, "weightBps lies between 1"),
    "a negative weight": ({"contributors": with_weights(10_001, -1)}, "weightBps lies"),
    "one twice": (
        {"contributors": [{"account": account(0), "weightBps": 5_000}] * 2},
        "each once",
    ),
    "another order": (
        {"contributors": with_weights(5_000, 5_000)[::-1]},
        "in the order of their addresses",
    ),
    "an address in lower case": (
        {"contributors": [{"account": account(0).lower(), "weightBps": 10_000}]},
        "checksum of EIP-55",
    ),
    "the zero address": (
        {"contributors": [{"account": "0x" + "0" * 40, "weightBps": 10_000}]},
        "checksum of EIP-55",
    ),
    "a contributor with more": (
        {"contributors": [{"account": account(0), "weightBps": 10_000, "name": "x"}]},
        "would not be signed: name",
    ),
    "a contributor with less": ({"contributors": [{"account": account(0)}]}, "lacks weightBps"),
    "an expired deadline": ({"deadline": NOW}, "deadline has passed"),
    "a deadline before the issue": ({"deadline": ISSUED}, "after the issue"),
    "issued in the future": ({"issuedAt": NOW + 1}, "issuedAt lies in the future"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_exactly_in_form_is_not_signed(name: str) -> None:
    changes, why = BROKEN[name]
    with pytest.raises(TypedDataError, match=why):
        encode_digest(Domain(1, verifying_contract=PLACE), {**message(), **changes}, now=NOW)


def test_a_missing_field_is_named() -> None:
    short = {name: value for name, value in message().items() if name != "benchmarkDigest"}
    with pytest.raises(TypedDataError, match="lacks benchmarkDigest"):
        encode_digest(Domain(1, verifying_contract=PLACE), short, now=NOW)


@pytest.mark.parametrize(
    "domain",
    [
        Domain(1),
        Domain(1, verifying_contract=PLACE, salt=word_of("both")),
        Domain(0, verifying_contract=PLACE),
        Domain(1, verifying_contract=PLACE.lower()),
        Domain(1, salt="0x00"),
    ],
)
def test_a_domain_is_bound_to_a_contract_or_to_a_salt(domain: Domain) -> None:
    with pytest.raises(TypedDataError):
        encode_digest(domain, message(), now=NOW)


def test_an_old_signature_is_read_after_its_deadline() -> None:
    key = coincurve.PrivateKey(keccak(text="ours"))
    domain = Domain(1, verifying_contract=PLACE)
    signature = sign(domain, message(), signing_with(key), now=DEADLINE - 1)
    with pytest.raises(TypedDataError, match="deadline has passed"):
        sign(domain, message(), signing_with(key), now=DEADLINE)
    assert recover(domain, message(), signature).startswith("0x")


@pytest.mark.parametrize(
    "changes", [{"delta": 18_251}, {"contributors": with_weights(4_999, 5_001)}]
)
def test_another_message_has_another_signer(changes: dict[str, Any]) -> None:
    key = coincurve.PrivateKey(keccak(text="ours"))
    domain = Domain(1, verifying_contract=PLACE)
    signature = sign(domain, message(), signing_with(key), now=NOW)
    ours = recover(domain, message(), signature)
    assert recover(domain, {**message(), **changes}, signature) != ours
    assert recover(Domain(1, salt=word_of("demo")), message(), signature) != ours


def test_the_high_s_twin_is_refused() -> None:
    domain = Domain(1, verifying_contract=PLACE)
    signature = sign(domain, message(), signing_with(coincurve.PrivateKey(b"\1" * 32)), now=NOW)
    high = secp256k1.ORDER - int.from_bytes(signature[32:64], "big")
    twin = signature[:32] + high.to_bytes(32, "big") + bytes([55 - signature[64]])
    with pytest.raises(TypedDataError, match="lower half"):
        recover(domain, message(), twin)


def test_what_encodes_does_not_let_the_process_recurse_beyond_its_stack() -> None:
    """The import happens once per process, so a process of its own tells."""
    program = (
        "import sys; from hokusai.signers.algorithms import eip712; "
        "before = sys.getrecursionlimit(); eip712._encoder(); "
        "assert sys.getrecursionlimit() == before, sys.getrecursionlimit()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=HERE.parents[2], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
