"""Recoverable ECDSA on secp256k1 as Ethereum has it: 65 bytes r, s, v; s in the lower half.

v is 27 or 28 (Ethereum Yellow Paper, appendix F); s in the lower half only, EIP-2. A signature with
s in the upper half is a second spelling of the same one, so it is refused wherever one is read.
"""

from typing import Final

from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER: Final = ORDER // 2
WORD: Final = 32
DIGEST: Final = 32
SIGNATURE: Final = 65
V_BASE: Final = 27
POINT: Final = 65
UNCOMPRESSED: Final = 4


class SignatureError(ValueError):
    """The bytes are no signature in the one form that counts."""


def address_of(point: bytes) -> str:
    """Return the EIP-55 address of an uncompressed public point: (65,) bytes, 0x04 first."""
    if len(point) != POINT or point[0] != UNCOMPRESSED:
        raise SignatureError("A public point is 65 bytes, not compressed.")
    return str(to_checksum_address(keccak(point[1:])[-20:]))


def recoverable(r: int, s: int, digest: bytes, address: str) -> bytes:
    """Return r, s, v of a plain ECDSA signature: s lowered where needed, v found by trial.

    Raises:
        SignatureError: r or s out of range, or the signature is not by the key of this address.
    """
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise SignatureError("r and s lie between 1 and the order of the curve.")
    low = min(s, ORDER - s)
    plain = r.to_bytes(WORD, "big") + low.to_bytes(WORD, "big")
    for parity in (0, 1):
        signature = plain + bytes([V_BASE + parity])
        if _signer(digest, signature) == address:
            return signature
    raise SignatureError("The signature is not by the key that was asked for.")


def recover(digest: bytes, signature: bytes) -> str:
    """Return the EIP-55 address that signed a digest of 32 bytes.

    Raises:
        SignatureError: another length, v other than 27 or 28, s in the upper half, or no key fits.
    """
    if len(digest) != DIGEST:
        raise SignatureError("A digest is 32 bytes.")
    if len(signature) != SIGNATURE:
        raise SignatureError("A signature is 65 bytes: r, s and v.")
    if signature[-1] not in (V_BASE, V_BASE + 1):
        raise SignatureError("v is 27 or 28.")
    if not 0 < int.from_bytes(signature[WORD : 2 * WORD], "big") <= HALF_ORDER:
        raise SignatureError("s lies in the lower half of the curve's order.")
    found = _signer(digest, signature)
    if not found:
        raise SignatureError("No key made this signature.")
    return found


def _signer(digest: bytes, signature: bytes) -> str:
    parity = bytes([signature[-1] - V_BASE])
    try:
        key = PublicKey.from_signature_and_message(signature[:-1] + parity, digest, hasher=None)
    except ValueError:
        return ""
    return address_of(key.format(compressed=False))
