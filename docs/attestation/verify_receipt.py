"""Verify a receipt of a prediction without Hokusai: one file, the standard library, `cryptography`.

    python verify_receipt.py RECEIPT --keys KEYS --instance NAME [--environment NAME]
        [--input BODY] [--output ANSWER] [--caller ID]

RECEIPT is the answer of `GET /api/v1/prediction-receipts/{id}`, KEYS that of `GET /api/v1/keys`,
kept from a time when you trusted it. BODY is the request's body as you sent it, ANSWER the body
of its answer, ID the public id of the key that you sent it with. Nothing is fetched. Prints what
was proven and exits with 0, or says what is wrong and exits with 1.
"""

import argparse
import base64
import hashlib
import hmac
import json
import math
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:hokusai:attestation:prediction:v1"
ROWS, OUTPUTS, BYTES = "rows-jcs", "outputs-jcs", "bytes"
EXACT, LONGEST_PLAIN, SMALLEST_PLAIN = 2**53, 21, -6

Json = dict[str, Any]


class Rejected(Exception):
    """What was given proves nothing; the text says why in one sentence."""


def no(text: str) -> NoReturn:
    raise Rejected(text)


# The canonical form of RFC 8785


def canonical(value: Any) -> str:
    """JSON with names in the order of UTF-16, no spaces, and numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(n)}:{canonical(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and abs(value) < EXACT:
        return str(value)
    return number(float(value))


def number(value: float) -> str:
    """A double as ECMAScript's Number.prototype.toString writes it."""
    if not math.isfinite(value):
        no("A number is beyond what a double holds.")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)
    return ("-" if sign else "") + _written(text, point)


def _written(digits: str, point: int) -> str:
    """Digits whose decimal point stands before the one at `point`."""
    if len(digits) <= point <= LONGEST_PLAIN:
        return digits.ljust(point, "0")
    if 0 < point <= LONGEST_PLAIN:
        return f"{digits[:point]}.{digits[point:]}"
    if SMALLEST_PLAIN < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def digest_of(value: Any) -> str:
    try:
        return hashlib.sha256(canonical(value).encode()).hexdigest()
    except UnicodeEncodeError:
        no("A text is not valid Unicode.")


# The envelope


def unique(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        no("A name is given twice.")
    return found


def parse(data: bytes, what: str) -> Any:
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        raise Rejected(f"{what} is no JSON.") from error


def unpacked(text: Any, what: str) -> bytes:
    try:
        data = base64.b64decode(str(text).encode("ascii"), validate=True)
    except ValueError as error:
        raise Rejected(f"{what} is no base64.") from error
    if base64.b64encode(data).decode("ascii") != text:
        no(f"{what} is not in the one spelling of base64.")
    return data


def opened(envelope: Any, keys: dict[str, Json]) -> tuple[Json, list[Json]]:
    """The statement, and the published keys that signed it; every signature has to hold."""
    if not isinstance(envelope, dict) or envelope.get("payloadType") != PAYLOAD_TYPE:
        no("The receipt holds no envelope of an in-toto statement: it may not be signed yet.")
    payload = unpacked(envelope.get("payload"), "The payload")
    statement = parse(payload, "The statement")
    if canonical(statement).encode() != payload:
        no("The statement differs from its own canonical form.")
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    entries = envelope.get("signatures")
    if not isinstance(entries, list) or not entries:
        no("Nobody signed.")
    signers = [_signer(entry, signed, keys) for entry in entries]
    if len({key["id"] for key in signers}) < len(signers):
        no("A key has signed twice.")
    return statement, signers


def _signer(entry: Any, signed: bytes, keys: dict[str, Json]) -> Json:
    key = keys.get(entry.get("keyid")) if isinstance(entry, dict) else None
    if key is None:
        no("A signature is by a key that is not among those you gave.")
    public = load_pem_public_key(key["public_pem"].encode())
    if not isinstance(public, Ed25519PublicKey):
        no("A key is no Ed25519 key.")
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if hashlib.sha256(der).hexdigest() != key["id"]:
        no("A key does not have the id that it is given.")
    try:
        public.verify(unpacked(entry.get("sig"), "A signature"), signed)
    except InvalidSignature as error:
        raise Rejected("A signature does not hold.") from error
    return key


def check_key(key: Json, predicted_on: str) -> None:
    """A receipt is in no log, so that of a compromised key nothing tells when it was made."""
    if key.get("purpose") != "attestation":
        no("The key is for another purpose.")
    if key.get("compromised_at"):
        no("The key that signed is compromised.")
    ended = key.get("valid_until")
    if ended and _time(ended) < _time(predicted_on):
        no("The key had ended before the prediction was made.")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# What it says


def check_statement(statement: Json, instance: str, environment: str) -> Json:
    if statement.get("_type") != STATEMENT_TYPE:
        no("This is no in-toto statement.")
    if statement.get("predicateType") != PREDICATE_TYPE:
        no("The statement is about something else than a prediction.")
    predicate: Json = statement["predicate"]
    issuer = predicate["issuer"]
    if issuer["instance"] != instance:
        no(f"The receipt is of the instance {issuer['instance']}.")
    if environment and issuer["environment"] != environment:
        no(f"The receipt is of the environment {issuer['environment']}.")
    return predicate


def check_input(stated: Json, body: bytes) -> None:
    found = hashlib.sha256(body).hexdigest()
    if stated["form"] == ROWS:
        found = digest_of(_rows(json.loads(body)))
    elif stated["form"] != BYTES:
        no(f"The form {stated['form']} is not known.")
    if found != stated["sha256"]:
        no("The input is another one.")


def _rows(given: Any) -> list[Any]:
    if isinstance(given.get("rows"), list):
        rows: list[Any] = given["rows"]
        return rows
    return [dict(zip(given["columns"], row, strict=True)) for row in given["data"]]


def check_output(stated: Json, body: bytes) -> None:
    found = hashlib.sha256(body).hexdigest()
    if stated["form"] == OUTPUTS:
        found = digest_of(json.loads(body)["outputs"])
    elif stated["form"] != BYTES:
        no(f"The form {stated['form']} is not known.")
    if found != stated["sha256"]:
        no("The output is another one.")


def check_caller(predicate: Json, salt: str, caller: str) -> None:
    made = hmac.digest(bytes.fromhex(salt), caller.encode(), "sha256").hex()
    if not hmac.compare_digest(made, predicate["principalCommitment"]):
        no("Somebody else asked.")


def verified(arguments: argparse.Namespace) -> list[str]:
    """What was proven, line by line. Raises Rejected."""
    receipt = parse(Path(arguments.receipt).read_bytes(), "The receipt")
    listed = parse(Path(arguments.keys).read_bytes(), "The list of keys")
    statement, signers = opened(receipt.get("envelope"), {key["id"]: key for key in listed})
    predicate = check_statement(statement, arguments.instance, arguments.environment)
    for key in signers:
        check_key(key, predicate["predictedOn"])
    subject = statement["subject"][0]
    proven = [
        f"{predicate['receipt']}: signed by {signers[0]['id'][:16]}",
        f"model {subject['name']}, bytes sha256:{subject['digest']['sha256']}",
        f"predicted on {predicate['predictedOn']}, isolation {predicate['isolationTier']}",
    ]
    if arguments.input:
        check_input(predicate["input"], Path(arguments.input).read_bytes())
        proven.append("the input is yours")
    if arguments.output:
        check_output(predicate["output"], Path(arguments.output).read_bytes())
        proven.append("the output is yours")
    if arguments.caller:
        check_caller(predicate, receipt.get("salt") or "", arguments.caller)
        proven.append(f"asked for by {arguments.caller}")
    return proven


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("receipt")
    parser.add_argument("--keys", required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--environment", default="")
    parser.add_argument("--input", default="")
    parser.add_argument("--output", default="")
    parser.add_argument("--caller", default="")
    try:
        proven = verified(parser.parse_args())
    except Rejected as error:
        print(f"rejected: {error}", file=sys.stderr)
        return 1
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        print(f"rejected: not in form ({error})", file=sys.stderr)
        return 1
    print("\n".join(proven))
    return 0


if __name__ == "__main__":
    sys.exit(main())
