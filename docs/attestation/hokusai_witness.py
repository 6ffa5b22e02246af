#!/usr/bin/env python3
"""A witness of transparency logs: cosigns a checkpoint only if it follows from the last one seen.

Needs Python 3.11 and `cryptography`. Run it where the log's operator has no access:

    python hokusai_witness.py key --key witness.pem --name witness.example/w1
    python hokusai_witness.py serve --key witness.pem --name witness.example/w1 \\
        --log 'registry.example/production/log+0a1b2c3d+AbCd…' \\
        --state witness.json --begin

`key` makes the key where there is none and prints its public half, which the log's operator and
everybody who relies on the witness is given. `serve` listens on 127.0.0.1; put a proxy with TLS
before it. The state says what was seen last of each log and is on disk before an answer leaves:
losing it makes the witness worthless, because it would begin again from any tree. That is why
only the first start, with `--begin`, does without it.

It speaks C2SP tlog-witness (POST /add-checkpoint) and signs C2SP cosignatures v1. GET / answers
what it knows.
"""

import argparse
import base64
import binascii
import fcntl
import json
import os
import re
import struct
import sys
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ED25519, COSIGNATURE = 1, 4
MAX_BODY_BYTES = 64 * 1024
MAX_PROOF_LINES = 63
HASH_BYTES = KEY_BYTES = 32
PARTS = 3
REQUEST_S = 10
NUMBER = re.compile(r"(0|[1-9][0-9]{0,18})\Z", re.ASCII)
NAME = re.compile(r"[^\s+]+\Z")
RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


class Refused(Exception):
    """What is answered instead of a cosignature."""

    def __init__(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        super().__init__(text)
        self.status, self.text, self.kind = status, text, kind


@dataclass(frozen=True)
class Key:
    """A public key and the four bytes by which a line of a note names it."""

    name: str
    public: bytes
    kind: int

    @property
    def hash(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        data = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.hash.hex()}+{data}"

    @classmethod
    def of_text(cls, text: str) -> "Key":
        name, _, rest = text.partition("+")
        given, _, data = rest.partition("+")
        try:
            decoded = decode(data)
        except Refused:
            decoded = b""
        key = cls(name, decoded[1:], decoded[0] if decoded else 0)
        if key.kind != ED25519 or len(key.public) != KEY_BYTES or key.hash.hex() != given:
            raise SystemExit(f"Not the key of a log: {text}")
        return key

    def signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Checkpoint:
    """What a log states of its tree, and the text that it signed."""

    origin: str
    size: int
    root: bytes
    text: str


class State:
    """The last checkpoint of each log, in a file that is whole at any moment."""

    def __init__(self, path: Path, *, begin: bool) -> None:
        self.path = path
        self.lock = threading.Lock()
        # Two witnesses with one key and one file would sign two histories.
        self.held = open(f"{path}.lock", "w")  # noqa: SIM115
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"Another witness uses {path}.") from None
        self.seen: dict[str, dict[str, object]] = {}
        if not begin:
            try:
                self.seen = json.loads(path.read_text())
            except (OSError, ValueError) as error:
                raise SystemExit(f"What was seen cannot be read ({error}); not starting.") from None
        elif path.exists():
            raise SystemExit(f"{path} says what was seen; start without --begin.")

    def last(self, origin: str) -> tuple[int, bytes]:
        found = self.seen.get(origin)
        return (int(str(found["size"])), bytes.fromhex(str(found["root"]))) if found else (0, b"")

    def keep(self, checkpoint: Checkpoint) -> None:
        known = {"size": checkpoint.size, "root": checkpoint.root.hex()}
        self.write({**self.seen, checkpoint.origin: known})

    def write(self, seen: dict[str, dict[str, object]]) -> None:
        beside = self.path.with_name(self.path.name + ".new")
        with beside.open("w") as file:
            json.dump(seen, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.seen = seen


class Witness:
    """Checks checkpoints and cosigns those that follow."""

    def __init__(self, name: str, secret: Ed25519PrivateKey, logs: list[Key], state: State) -> None:
        self.secret, self.state = secret, state
        self.key = Key(name, secret.public_key().public_bytes(*RAW), COSIGNATURE)
        self.logs: dict[str, list[Key]] = {}
        for key in logs:
            self.logs.setdefault(key.name, []).append(key)

    def add_checkpoint(self, body: str) -> str:
        """The line of the cosignature. Raises Refused."""
        old, proof, note = parse_request(body)
        checkpoint = self.signed_checkpoint(note)
        if old > checkpoint.size:
            raise Refused(400, "The old size is larger than the checkpoint's.\n")
        with self.state.lock:
            self.check_follows(old, proof, checkpoint)
            # On disk first: an answer that is out binds, also after a crash.
            self.state.keep(checkpoint)
            return self.cosign(checkpoint.text)

    def signed_checkpoint(self, note: str) -> Checkpoint:
        text, found, lines = note.rpartition("\n\n")
        if not found or not lines.endswith("\n"):
            raise Refused(400, "A checkpoint is a text, an empty line and signatures.\n")
        checkpoint = parse_checkpoint(text + "\n")
        keys = self.logs.get(checkpoint.origin)
        if keys is None:
            raise Refused(404, "This witness does not watch that log.\n")
        signatures = [parse_line(line) for line in lines[:-1].split("\n")]
        ours = [
            key.signed(checkpoint.text, data[4:])
            for key in keys
            for name, data in signatures
            if (name, data[:4]) == (key.name, key.hash)
        ]
        if not ours or not all(ours):
            raise Refused(403, "The log did not sign this checkpoint.\n")
        return checkpoint

    def check_follows(self, old: int, proof: list[bytes], checkpoint: Checkpoint) -> None:
        size, root = self.state.last(checkpoint.origin)
        behind = Refused(409, f"{size}\n", "text/x.tlog.size")
        if old != size or (size == checkpoint.size and root and root != checkpoint.root):
            raise behind
        if size in (0, checkpoint.size):
            follows = not proof
        else:
            follows = consistent(size, checkpoint.size, root, checkpoint.root, proof)
        if not follows:
            print(f"refused, does not follow from {size}:\n{checkpoint.text}", file=sys.stderr)
            raise Refused(422, "The tree does not follow from the last one seen.\n")

    def cosign(self, text: str) -> str:
        now = int(time.time())
        signature = self.secret.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        data = self.key.hash + struct.pack(">Q", now) + signature
        return f"\u2014 {self.key.name} {base64.b64encode(data).decode()}\n"


def parse_request(body: str) -> tuple[int, list[bytes], str]:
    """Old size, proof and note. Raises Refused."""
    head, found, note = body.partition("\n\n")
    first, *proof = head.split("\n")
    if not found or not first.startswith("old ") or not NUMBER.match(first[4:]):
        raise Refused(400, "Send the old size, the proof, an empty line and the checkpoint.\n")
    hashes = [decode(line) for line in proof]
    if len(hashes) > MAX_PROOF_LINES or any(len(hashed) != HASH_BYTES for hashed in hashes):
        raise Refused(400, "The proof is not one.\n")
    return int(first[4:]), hashes, note


def parse_checkpoint(text: str) -> Checkpoint:
    """Origin, size and root. Raises Refused."""
    lines = text[:-1].split("\n")
    if len(lines) < PARTS or not all(lines) or not NUMBER.match(lines[1]):
        raise Refused(400, "A checkpoint is an origin, a size and a root.\n")
    root = decode(lines[2])
    if len(root) != HASH_BYTES or any(letter < " " for line in lines for letter in line):
        raise Refused(400, "A checkpoint is an origin, a size and a root.\n")
    return Checkpoint(lines[0], int(lines[1]), root, text)


def parse_line(line: str) -> tuple[str, bytes]:
    """Name, and key hash with signature. Raises Refused."""
    parts = line.split(" ")
    if len(parts) != PARTS or parts[0] != "\u2014" or not NAME.match(parts[1]):
        raise Refused(400, "A signature is a dash, a name and base64.\n")
    return parts[1], decode(parts[2])


def decode(text: str) -> bytes:
    """The bytes of a base64 text. Raises Refused."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "A part is not base64.\n") from None


def consistent(first: int, second: int, old: bytes, new: bytes, proof: list[bytes]) -> bool:
    """Whether the second tree begins with the first, 0 < first < second (RFC 9162, 2.1.4.2)."""
    hashes = proof if first & (first - 1) else [old, *proof]
    if not hashes:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    from_old = from_new = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            from_old, from_new = node(beside, from_old), node(beside, from_new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            from_new = node(from_new, beside)
        place, last = place >> 1, last >> 1
    return (last, from_old, from_new) == (0, old, new)


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees (RFC 6962)."""
    return sha256(b"\x01" + left + right).digest()


class Handler(BaseHTTPRequestHandler):
    """HTTP around the witness."""

    witness: Witness
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "hokusai-witness", ""
    timeout = REQUEST_S

    def do_POST(self) -> None:
        try:
            self.answer(200, self.witness.add_checkpoint(self.body()))
        except Refused as refusal:
            self.answer(refusal.status, refusal.text, refusal.kind)

    def do_GET(self) -> None:
        known = {"key": str(self.witness.key), "logs": self.witness.state.seen}
        self.answer(200, json.dumps(known, indent=1) + "\n", "application/json")

    def body(self) -> str:
        if self.path != "/add-checkpoint":
            self.close_connection = True
            raise Refused(404, "POST /add-checkpoint\n")
        length = self.headers.get("Content-Length", "")
        if not NUMBER.match(length) or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise Refused(413, f"Send at most {MAX_BODY_BYTES} bytes, and say how many.\n")
        try:
            return self.rfile.read(int(length)).decode()
        except UnicodeDecodeError:
            raise Refused(400, "A checkpoint is UTF-8.\n") from None

    def answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def load_key(path: Path, *, make: bool) -> Ed25519PrivateKey:
    """The private key in a file, made where there is none."""
    if make and not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SystemExit(f"{path} holds no Ed25519 key.")
    return key


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Cosign checkpoints of transparency logs.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (commands.add_parser("key"), commands.add_parser("serve")):
        command.add_argument("--key", type=Path, required=True, help="file of the private key")
        command.add_argument("--name", required=True, help="of the witness, such as a host/name")
    serve = commands.choices["serve"]
    serve.add_argument("--log", action="append", required=True, help="key of a log; repeatable")
    serve.add_argument("--state", type=Path, required=True, help="file of what was seen")
    serve.add_argument("--begin", action="store_true", help="the first start, without a state")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8470, help="0 takes any that is free")
    return parser.parse_args()


def main() -> None:
    """Make a key, or serve until interrupted."""
    given = arguments()
    if not NAME.match(given.name):
        raise SystemExit("A name has no spaces and no plus.")
    secret = load_key(given.key, make=given.command == "key")
    if given.command == "key":
        print(Key(given.name, secret.public_key().public_bytes(*RAW), COSIGNATURE))
        return
    logs = [Key.of_text(text) for text in given.log]
    Handler.witness = Witness(given.name, secret, logs, State(given.state, begin=given.begin))
    if given.begin:
        Handler.witness.state.write({})
    server = ThreadingHTTPServer((given.host, given.port), Handler)
    print(f"{Handler.witness.key}\nlistening on {given.host}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
