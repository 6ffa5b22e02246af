"""Signed notes of the C2SP (signed-note, tlog-checkpoint, tlog-cosignature v1), with Ed25519.

A note is a text, an empty line, and lines `— <name> <base64 of key hash and signature>`.
"""

import base64
import binascii
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

ED25519 = 0x01
COSIGNATURE = 0x04
KEY_HASH_BYTES = 4
MAX_NOTE_BYTES = 64 * 1024
DASH = "\u2014"
_NAME = re.compile(r"[^\s+]+\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_COSIGNED = struct.Struct(">Q64s")


class NoteError(ValueError):
    """No signed note, or none that the key signed."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key by which lines of notes are verified."""

    name: str
    public: bytes
    kind: int = ED25519

    @classmethod
    def of_pem(cls, name: str, pem: str) -> Self:
        """The key of a log. Raises NoteError for anything but an Ed25519 key in PEM."""
        try:
            key = load_pem_public_key(pem.encode())
        except ValueError as error:
            raise NoteError("The key cannot be read.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise NoteError("Notes are signed with Ed25519.")
        return cls(checked_name(name), key.public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The key that `name+hash+base64` states. Raises NoteError where its parts disagree."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004
            raise NoteError("A key is stated as name+hash+base64.")
        data = _decoded(parts[2])
        if len(data) != 33 or data[0] not in (ED25519, COSIGNATURE):  # noqa: PLR2004
            raise NoteError("The key is no Ed25519 key of a known kind.")
        key = cls(checked_name(parts[0]), data[1:], data[0])
        if key.hash.hex() != parts[1]:
            raise NoteError("The key's hash is not that of its name and bytes.")
        return key

    @property
    def hash(self) -> bytes:
        """The four bytes by which a line names the key."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return sha256(data).digest()[:KEY_HASH_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.hash.hex()}+{encoded}"

    def check(self, data: bytes, signature: bytes) -> None:
        """Raises NoteError unless the key signed the data."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
        except (InvalidSignature, ValueError) as error:
            raise NoteError(f"The signature of {self.name} does not hold.") from error


@dataclass(frozen=True, slots=True)
class Line:
    """One signature of a note."""

    name: str
    key_hash: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{DASH} {self.name} {base64.b64encode(self.key_hash + self.signature).decode()}\n"

    def by(self, key: NoteKey) -> bool:
        """Whether the line says that this key signed; nothing is verified."""
        return (self.name, self.key_hash) == (key.name, key.hash)


def signed_line(key: NoteKey, signature: bytes) -> str:
    """The line of a signature over a note's text."""
    return str(Line(key.name, key.hash, signature))


def opened(note: str) -> tuple[str, list[Line]]:
    """The text with its last newline, and the lines. Nothing is verified. Raises NoteError."""
    if len(note.encode(errors="surrogatepass")) > MAX_NOTE_BYTES or _CONTROL.search(note):
        raise NoteError("A note is short and has no control characters.")
    text, found, lines = note.rpartition("\n\n")
    if not found or not text or not lines.endswith("\n"):
        raise NoteError("A note is a text, an empty line and lines of signatures.")
    return text + "\n", parsed_lines(lines)


def parsed_lines(text: str) -> list[Line]:
    """The signatures of some lines. Raises NoteError."""
    lines = []
    for line in text.removesuffix("\n").split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != DASH:  # noqa: PLR2004
            raise NoteError("A line of a signature is a dash, a name and base64.")
        data = _decoded(parts[2])
        if len(data) <= KEY_HASH_BYTES:
            raise NoteError("A signature is cut.")
        signature = data[KEY_HASH_BYTES:]
        lines.append(Line(checked_name(parts[1]), data[:KEY_HASH_BYTES], signature))
    return lines


def verified_text(note: str, keys: Sequence[NoteKey]) -> str:
    """The text, if one of the keys signed it and none of theirs is wrong. Raises NoteError."""
    text, lines = opened(note)
    ours = [(key, line) for line in lines for key in keys if line.by(key)]
    if not ours:
        raise NoteError("None of the keys signed the note.")
    for key, line in ours:
        key.check(text.encode(), line.signature)
    return text


def cosigned_bytes(text: str, time_s: int) -> bytes:
    """What a witness signs of a checkpoint's text, at a POSIX time."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def cosignature_line(key: NoteKey, time_s: int, signature: bytes) -> str:
    """The line of a witness' signature over `cosigned_bytes`."""
    return signed_line(key, _COSIGNED.pack(time_s, signature))


def cosigned_at(text: str, line: Line, key: NoteKey) -> int:
    """The POSIX time at which a witness cosigned the text. Raises NoteError where it did not."""
    if key.kind != COSIGNATURE or not line.by(key):
        raise NoteError(f"The line is no cosignature of {key.name}.")
    if len(line.signature) != _COSIGNED.size:
        raise NoteError("A cosignature is a time and a signature.")
    time_s, signature = _COSIGNED.unpack(line.signature)
    if time_s >= 2**63:
        raise NoteError("The time of a cosignature is beyond all clocks.")
    key.check(cosigned_bytes(text, time_s), signature)
    return int(time_s)


def checked_name(name: str) -> str:
    """The name of a key. Raises NoteError for one that is empty, or has spaces or a plus."""
    if not _NAME.match(name):
        raise NoteError("The name of a key has no spaces and no plus.")
    return name


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("A part of the note is not base64.") from error
