"""Ethereum account addresses in their one written form (EIP-55)."""

import re

from eth_utils.address import to_checksum_address

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class InvalidAddress(ValueError):
    """The text is not an account address, or its capitals contradict its checksum."""


def normalise_address(text: str) -> str:
    """Return the EIP-55 form of `text`.

    All lower-case and all upper-case digits carry no checksum and are accepted; mixed case must
    be the checksum exactly. Spaces around the text are dropped.

    Raises:
        InvalidAddress: not 0x and 40 hexadecimal digits, a wrong checksum, or the zero address,
            which nobody owns.
    """
    trimmed = text.strip()
    if not ADDRESS.fullmatch(trimmed):
        raise InvalidAddress("An address is 0x followed by 40 hexadecimal digits.")
    digits = trimmed[2:]
    if not digits.strip("0"):
        raise InvalidAddress("The zero address belongs to nobody.")
    checksummed = str(to_checksum_address("0x" + digits.lower()))
    if digits not in (digits.lower(), digits.upper(), checksummed[2:]):
        raise InvalidAddress("The address has a wrong checksum: a letter may be mistyped.")
    return checksummed
