"""What a message for a chain must be before it is hashed: one spelling, every field and range."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import is_checksum_address

NAME: Final = "Hokusai"
VERSION: Final = "1"
MAX_CONTRIBUTORS: Final = 100
WHOLE_BPS: Final = 10_000
UINT256: Final = 2**256 - 1
ZERO_ADDRESS: Final = "0x" + "0" * 40
_WORD: Final = re.compile(r"0x[0-9a-f]{64}")
_INT64: Final = (-(2**63), 2**63 - 1)
_UINT64: Final = (0, 2**64 - 1)
_WORDS: Final = (
    "attestationId",
    "modelId",
    "baselineDigest",
    "candidateDigest",
    "benchmarkDigest",
    "metric",
)
_NUMBERS: Final = {
    "baselineScore": _INT64,
    "candidateScore": _INT64,
    "delta": (1, _INT64[1]),
    "scale": (1, _UINT64[1]),
    "sampleCount": (1, _UINT64[1]),
    "issuedAt": _UINT64,
    "deadline": _UINT64,
}
FIELDS: Final = frozenset((*_WORDS, *_NUMBERS, "contributors"))
CONTRIBUTOR_FIELDS: Final = frozenset(("account", "weightBps"))


class TypedDataError(ValueError):
    """The message is not exactly in the form that is signed."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a signature counts: a chain and a contract on it, or no contract and a salt.

    `verifying_contract`: EIP-55, "" for none; `salt`: 32 bytes in hexadecimal with 0x, "" for none.
    """

    chain_id: int
    verifying_contract: str = ""
    salt: str = ""


def domain_fields(domain: Domain) -> dict[str, Any]:
    """Return the domain in the order of EIP-712, without what it lacks. Raises TypedDataError."""
    _integer("chainId", domain.chain_id, (1, UINT256))
    if bool(domain.verifying_contract) == bool(domain.salt):
        raise TypedDataError("A domain names a contract or carries a salt, one of the two.")
    fields: dict[str, Any] = {"name": NAME, "version": VERSION, "chainId": domain.chain_id}
    if domain.verifying_contract:
        _address("verifyingContract", domain.verifying_contract)
        return {**fields, "verifyingContract": domain.verifying_contract}
    _word("salt", domain.salt)
    return {**fields, "salt": domain.salt}


def check_message(message: Mapping[str, Any], *, now: int | None = None) -> None:
    """Refuse a message that is not exactly a ModelImprovement.

    Raises:
        TypedDataError: other fields than those of the type; a word that is not 32 bytes in
            lower-case hexadecimal; a number that is text, a bool or out of range; no gain; an
            address whose checksum is wrong; no contributor, more than 100, one twice, not in the
            order of addresses; weights that do not sum to 10,000; a deadline not after its
            issue; where `now` (seconds since 1970) is given, issued after it or past its deadline.
    """
    _exactly("The message", message, FIELDS)
    for name in _WORDS:
        _word(name, message[name])
    for name, bounds in _NUMBERS.items():
        _integer(name, message[name], bounds)
    _check_contributors(message["contributors"])
    issued, deadline = message["issuedAt"], message["deadline"]
    if deadline <= issued:
        raise TypedDataError("The deadline lies after the issue.")
    if now is not None and issued > now:
        raise TypedDataError("issuedAt lies in the future.")
    if now is not None and deadline <= now:
        raise TypedDataError("The deadline has passed.")


def in_order(weights: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return contributors as they are signed: one entry per address, none without weight, by
    address. `weights`: EIP-55 address and basis points, an address may come more than once.
    """
    total: dict[str, int] = {}
    for account, points in weights:
        total[account] = total.get(account, 0) + points
    ordered = sorted(total, key=lambda account: int(account, 16))
    return [{"account": name, "weightBps": total[name]} for name in ordered if total[name]]


def _check_contributors(contributors: Any) -> None:
    if not isinstance(contributors, Sequence) or isinstance(contributors, str | bytes):
        raise TypedDataError("contributors is a list.")
    if not 1 <= len(contributors) <= MAX_CONTRIBUTORS:
        raise TypedDataError(f"There are 1 to {MAX_CONTRIBUTORS} contributors.")
    before = 0
    for entry in contributors:
        _exactly("A contributor", entry, CONTRIBUTOR_FIELDS)
        _address("account", entry["account"])
        _integer("weightBps", entry["weightBps"], (1, WHOLE_BPS))
        number = int(entry["account"], 16)
        if number <= before:
            raise TypedDataError("Contributors come in the order of their addresses, each once.")
        before = number
    total = sum(entry["weightBps"] for entry in contributors)
    if total != WHOLE_BPS:
        raise TypedDataError(f"Weights sum to {WHOLE_BPS} basis points, not {total}.")


def _exactly(what: str, value: Any, fields: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        raise TypedDataError(f"{what} is no object.")
    found = {str(name) for name in value}
    if missing := sorted(fields - found):
        raise TypedDataError(f"{what} lacks {', '.join(missing)}.")
    if unknown := sorted(found - fields):
        raise TypedDataError(f"{what} has fields that would not be signed: {', '.join(unknown)}.")


def _word(name: str, value: Any) -> None:
    if not isinstance(value, str) or _WORD.fullmatch(value) is None:
        raise TypedDataError(f"{name} is 32 bytes: 0x and 64 lower-case hexadecimal digits.")


def _integer(name: str, value: Any, bounds: tuple[int, int]) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypedDataError(f"{name} is an integer.")
    low, high = bounds
    if not low <= value <= high:
        raise TypedDataError(f"{name} lies between {low} and {high}.")


def _address(name: str, value: Any) -> None:
    if not isinstance(value, str) or not is_checksum_address(value) or value == ZERO_ADDRESS:
        raise TypedDataError(f"{name} is an address with the checksum of EIP-55.")
