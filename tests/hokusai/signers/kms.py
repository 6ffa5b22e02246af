"""A server on this machine that speaks AWS KMS' JSON: GetPublicKey and Sign as the API states them.

https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
It checks what KMS checks (type of message against algorithm, lengths), signs digests as they are,
and always answers the signature whose s is high, as KMS may.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hokusai.signers.algorithms.secp256k1 import HALF_ORDER, ORDER
from tests.hokusai.signers.keys import PrivateKey

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SPECS = {"ed25519": "ECC_NIST_EDWARDS25519", "secp256k1": "ECC_SECG_P256K1"}
ALGORITHMS = {"ECC_NIST_EDWARDS25519": "ED25519_SHA_512", "ECC_SECG_P256K1": "ECDSA_SHA_256"}
MAX_MESSAGE = 4096


class Refused(Exception):
    """KMS answers an error of this type."""


@dataclass
class KmsServer:
    """What the server holds and how it feels."""

    url: str = ""
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    fails_with: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, target: str, sent: dict[str, Any]) -> dict[str, Any]:
        """The answer to an operation. Raises Refused."""
        self.asked.append({"target": target, **sent})
        if self.fails_with:
            raise Refused(self.fails_with)
        key = self.keys.get(sent["KeyId"])
        if key is None:
            raise Refused("NotFoundException")
        spec = SPECS["ed25519" if isinstance(key, Ed25519PrivateKey) else "secp256k1"]
        if target == "TrentService.GetPublicKey":
            return _public(key, spec)
        return _signed(key, spec, sent)


@contextmanager
def kms_server() -> Iterator[KmsServer]:
    """A running server with no key in it."""
    state = KmsServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            sent = json.loads(self.rfile.read(length))
            try:
                status, body = 200, state.answer(self.headers["X-Amz-Target"], sent)
            except Refused as error:
                status = 500 if str(error) == "KMSInternalException" else 400
                body = {"__type": str(error), "message": "no"}
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _public(key: PrivateKey, spec: str) -> dict[str, Any]:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "CustomerMasterKeySpec": spec,
        "KeyId": ARN,
        "KeySpec": spec,
        "KeyUsage": "SIGN_VERIFY",
        "PublicKey": base64.b64encode(der).decode(),
        "SigningAlgorithms": [ALGORITHMS[spec]],
    }


def _signed(key: PrivateKey, spec: str, sent: dict[str, Any]) -> dict[str, Any]:
    message = base64.b64decode(sent["Message"])
    if sent["SigningAlgorithm"] != ALGORITHMS[spec]:
        raise Refused("InvalidKeyUsageException")
    if len(message) > MAX_MESSAGE:
        raise Refused("ValidationException")
    if isinstance(key, EllipticCurvePrivateKey):
        if sent["MessageType"] != "DIGEST" or len(message) != SHA256.digest_size:
            raise Refused("ValidationException")
        signature = _high(key.sign(message, ECDSA(Prehashed(SHA256()))))
    else:
        if sent["MessageType"] != "RAW":
            raise Refused("ValidationException")
        signature = key.sign(message)
    return {
        "KeyId": ARN,
        "Signature": base64.b64encode(signature).decode(),
        "SigningAlgorithm": sent["SigningAlgorithm"],
    }


def _high(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, s if s > HALF_ORDER else ORDER - s)
