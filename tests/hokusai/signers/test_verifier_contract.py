"""A contract on a chain in memory accepts what the platform signed, and nothing like it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coincurve
import pytest
from eth_abi import decode, encode
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_utils import decode_hex, function_abi_to_4byte_selector, keccak
from vyper import compile_code

from hokusai.signers.algorithms.eip712 import (
    MESSAGE_TYPES,
    PRIMARY_TYPE,
    Domain,
    encode_digest,
    sign,
    word_of,
)
from hokusai.signers.algorithms.eip712_rules import in_order
from hokusai.signers.algorithms.secp256k1 import ORDER, address_of
from tests.hokusai.signers.algorithms.test_eip712 import signing_with
from tests.hokusai.signers.improvement import account, message

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "docs" / "attestation" / "contracts" / "ImprovementVerifier.vy"
KEY = coincurve.PrivateKey(keccak(text="signer of the contract's tests"))
ADDRESS = address_of(KEY.public_key.format(compressed=False))
ORDER_OF_FIELDS = [field["name"] for field in MESSAGE_TYPES[PRIMARY_TYPE]]
TUPLE = (
    "(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,int64,int64,int64,uint64,uint64,"
    "(address,uint16)[],uint64,uint64)"
)


@dataclass
class Chain:
    """A chain in memory with the contract on it, twice."""

    tester: EthereumTester
    place: str
    other: str
    selectors: dict[str, bytes]

    @property
    def now(self) -> int:
        """Seconds since 1970 by the chain's clock."""
        return int(self.tester.get_block_by_number("latest")["timestamp"])

    @property
    def id(self) -> int:
        """EIP-155."""
        return int(self.tester.backend.chain.chain_id)

    def domain(self, **changes: Any) -> Domain:
        """Where the contract's signatures count."""
        return Domain(**{"chain_id": self.id, "verifying_contract": self.place, **changes})

    def improvement(self, name: str, **changes: Any) -> dict[str, Any]:
        """A message that holds now by the chain's clock."""
        times = {"issuedAt": self.now - 10, "deadline": self.now + 3_600}
        return message(attestationId=word_of(name), **{**times, **changes})

    def sent(self, function: str, types: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
        """A call from the chain's first account, as bytes of the ABI."""
        data = self.selectors[function] + encode(list(types), list(values))
        return {
            "from": self.tester.get_accounts()[0],
            "to": self.place,
            "data": f"0x{data.hex()}",
            "gas": 3_000_000,
        }

    def accept(self, improvement: dict[str, Any], signature: bytes) -> bool:
        """Send an improvement; whether it was kept. Raises TransactionFailed."""
        r, s = (int.from_bytes(signature[n : n + 32], "big") for n in (0, 32))
        types = (TUPLE, "uint256", "uint256", "uint8")
        values = (_words(improvement), r, s, signature[64])
        transaction = self.sent("accept", types, values)
        # A call says why it failed; a transaction with a fixed price in gas only that it did.
        self.tester.call(transaction)
        receipt = self.tester.get_transaction_receipt(self.tester.send_transaction(transaction))
        return bool(receipt["status"])

    def digest(self, improvement: dict[str, Any]) -> bytes:
        """What the contract would have signed."""
        answer = self.tester.call(self.sent("digest", (TUPLE,), (_words(improvement),)))
        return bytes(decode(["bytes32"], decode_hex(answer))[0])


def _words(improvement: dict[str, Any]) -> tuple[Any, ...]:
    """The message as the ABI takes it: bytes for words, pairs for contributors."""
    shares = [(entry["account"], entry["weightBps"]) for entry in improvement["contributors"]]
    values = {**improvement, "contributors": shares}
    return tuple(
        decode_hex(value) if isinstance(value, str) else value
        for value in (values[name] for name in ORDER_OF_FIELDS)
    )


@pytest.fixture(scope="module")
def chain() -> Chain:
    made = compile_code(SOURCE.read_text(encoding="utf-8"), output_formats=["bytecode", "abi"])
    code = made["bytecode"] + encode(["address"], [ADDRESS]).hex()
    tester = EthereumTester(PyEVMBackend())
    sender = tester.get_accounts()[0]
    places = []
    for _ in range(2):
        sent = tester.send_transaction({"from": sender, "data": code, "gas": 3_000_000})
        places.append(tester.get_transaction_receipt(sent)["contract_address"])
    selectors = {
        entry["name"]: function_abi_to_4byte_selector(entry)
        for entry in made["abi"]
        if entry["type"] == "function"
    }
    return Chain(tester, places[0], places[1], selectors)


def signed(chain: Chain, improvement: dict[str, Any], **changes: Any) -> bytes:
    return sign(chain.domain(**changes), improvement, signing_with(KEY), now=chain.now)


def test_it_computes_the_digest_that_was_signed(chain: Chain) -> None:
    for count in (1, 3, 100):
        shares = [(account(n), 10_000 // count + (n < 10_000 % count)) for n in range(count)]
        improvement = chain.improvement(f"{count}", contributors=in_order(shares))
        assert chain.digest(improvement) == encode_digest(chain.domain(), improvement)


def test_it_accepts_a_signature_once(chain: Chain) -> None:
    improvement = chain.improvement("once")
    signature = signed(chain, improvement)
    assert chain.accept(improvement, signature)
    with pytest.raises(TransactionFailed, match="accepted before"):
        chain.accept(improvement, signature)


def test_it_accepts_a_hundred_contributors(chain: Chain) -> None:
    shares = in_order([(account(n), 100) for n in range(100)])
    improvement = chain.improvement("a hundred", contributors=shares)
    assert chain.accept(improvement, signed(chain, improvement))


def test_it_refuses_contributors_in_another_order(chain: Chain) -> None:
    improvement = chain.improvement("order")
    signature = signed(chain, improvement)
    turned = {**improvement, "contributors": improvement["contributors"][::-1]}
    with pytest.raises(TransactionFailed, match="order"):
        chain.accept(turned, signature)


def test_it_refuses_other_weights(chain: Chain) -> None:
    improvement = chain.improvement("weights")
    signature = signed(chain, improvement)
    first, second = improvement["contributors"]
    shares = [{**first, "weightBps": 4_001}, {**second, "weightBps": 5_999}]
    with pytest.raises(TransactionFailed, match="signer"):
        chain.accept({**improvement, "contributors": shares}, signature)
    with pytest.raises(TransactionFailed, match="weights"):
        chain.accept({**improvement, "contributors": [first]}, signature)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("another chain", {"chain_id": 1}),
        ("another contract", {"verifying_contract": "other"}),
        ("no contract", {"verifying_contract": "", "salt": word_of("a demonstration")}),
    ],
)
def test_it_refuses_what_was_signed_elsewhere(
    chain: Chain, name: str, changes: dict[str, Any]
) -> None:
    if changes.get("verifying_contract") == "other":
        changes = {"verifying_contract": chain.other}
    improvement = chain.improvement(name)
    with pytest.raises(TransactionFailed, match="signer"):
        chain.accept(improvement, signed(chain, improvement, **changes))


def test_it_refuses_an_expired_deadline(chain: Chain) -> None:
    improvement = chain.improvement("late", issuedAt=chain.now - 100, deadline=chain.now - 1)
    signature = signing_with(KEY)(encode_digest(chain.domain(), improvement))
    with pytest.raises(TransactionFailed, match="expired"):
        chain.accept(improvement, signature)


def test_it_refuses_the_high_s_twin(chain: Chain) -> None:
    improvement = chain.improvement("twin")
    signature = signed(chain, improvement)
    high = (ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    twin = signature[:32] + high + bytes([55 - signature[64]])
    with pytest.raises(TransactionFailed, match="s is high"):
        chain.accept(improvement, twin)
    assert chain.accept(improvement, signature)


@pytest.mark.parametrize("v", [0, 1, 29])
def test_it_refuses_another_v(chain: Chain, v: int) -> None:
    improvement = chain.improvement("v")
    with pytest.raises(TransactionFailed, match="v is neither"):
        chain.accept(improvement, signed(chain, improvement)[:64] + bytes([v]))


def test_it_refuses_another_signer(chain: Chain) -> None:
    improvement = chain.improvement("stranger")
    stranger = signing_with(coincurve.PrivateKey(keccak(text="stranger")))
    signature = sign(chain.domain(), improvement, stranger, now=chain.now)
    with pytest.raises(TransactionFailed, match="signer"):
        chain.accept(improvement, signature)
