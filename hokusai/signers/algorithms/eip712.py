"""The statement for a chain: EIP-712 typed data of one improvement, checked before it is signed.

The typed data carries the digest of the whole statement (`attestationId`), the numbers a contract
may act on, and who is credited. eth-account encodes it; what it would silently accept (fields that
are not signed, short bytes, numbers as text, addresses with a wrong checksum) is refused first.
https://eips.ethereum.org/EIPS/eip-712
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from eth_utils.crypto import keccak

from hokusai.signers.algorithms import secp256k1
from hokusai.signers.algorithms.eip712_rules import (
    Domain,
    TypedDataError,
    check_message,
    domain_fields,
)

PRIMARY_TYPE: Final = "ModelImprovement"
_BYTES32 = ("attestationId", "modelId", "baselineDigest", "candidateDigest", "benchmarkDigest")
MESSAGE_TYPES: Final[dict[str, list[dict[str, str]]]] = {
    PRIMARY_TYPE: [
        *({"name": name, "type": "bytes32"} for name in (*_BYTES32, "metric")),
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
_DOMAIN_TYPES: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}

__all__ = [
    "MESSAGE_TYPES",
    "PRIMARY_TYPE",
    "Domain",
    "TypedDataError",
    "encode_digest",
    "recover",
    "sign",
    "typed_data",
    "word_of",
]


def typed_data(
    domain: Domain, message: Mapping[str, Any], *, now: int | None = None
) -> dict[str, Any]:
    """Return the whole typed data as JSON, as wallets and ethers take it.

    `now`: seconds since 1970, between issuedAt and deadline; None: their place in time is not asked
    for, as when an old signature is read. Raises TypedDataError.
    """
    check_message(message, now=now)
    fields = domain_fields(domain)
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": _DOMAIN_TYPES[name]} for name in fields],
            **MESSAGE_TYPES,
        },
        "primaryType": PRIMARY_TYPE,
        "domain": fields,
        "message": dict(message),
    }


def encode_digest(domain: Domain, message: Mapping[str, Any], *, now: int | None = None) -> bytes:
    """Return the 32 bytes that are signed: keccak(0x1901, domain separator, hash of the message).

    Raises TypedDataError for whatever is not exactly in form; see `check_message`.
    """
    signable = _encoder()(full_message=typed_data(domain, message, now=now))
    return bytes(keccak(b"\x19" + signable.version + signable.header + signable.body))


def sign(
    domain: Domain,
    message: Mapping[str, Any],
    sign_digest: Callable[[bytes], bytes],
    *,
    now: int,
) -> bytes:
    """Return r, s, v over a message that holds now: 65 bytes; `sign_digest` is a signer's.

    Raises TypedDataError for a message or a signature not in form.
    """
    signature = sign_digest(encode_digest(domain, message, now=now))
    recover(domain, message, signature)
    return signature


def recover(domain: Domain, message: Mapping[str, Any], signature: bytes) -> str:
    """Return the EIP-55 address that signed a message, whether or not its deadline has passed.

    Raises TypedDataError, and for a signature that is not 65 bytes, low in s and with v 27 or 28.
    """
    try:
        return secp256k1.recover(encode_digest(domain, message), signature)
    except secp256k1.SignatureError as error:
        raise TypedDataError(str(error)) from error


def word_of(name: str) -> str:
    """Return the keccak of a name (of a metric, a model) as a word: no name is too long for it."""
    return f"0x{keccak(text=name).hex()}"


def _encoder() -> Callable[..., Any]:
    """eth-account's encoder; importing it takes most of a second, once, where it is needed.

    What it imports lets Python recurse 100,000 levels deep. Then JSON of as many brackets, which a
    stranger may send, overruns the stack and kills the process: the limit is put back.
    """
    limit = sys.getrecursionlimit()
    from eth_account.messages import encode_typed_data  # noqa: PLC0415

    sys.setrecursionlimit(limit)
    return encode_typed_data
