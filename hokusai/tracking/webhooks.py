"""Deliveries of MLflow's webhooks: who sent them, and what they hint at.

A delivery's content is never applied: it names what is to be fetched again.
Format: mlflow/webhooks/delivery.py of MLflow 3.17; the signature is
`v1,` + base64(HMAC-SHA256(secret, "<delivery id>.<timestamp>.<raw body>")).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hokusai.core.errors import DomainError

WINDOW_S = 300.0
SIGNATURE_VERSION = "v1"
LONGEST_ID, LONGEST_NAME = 200, 512


class WebhookRefused(DomainError):
    """A delivery is not from who it should be, is too old, or says nothing."""

    code = "webhook_refused"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified hint: this changed on the tracking server; `version` is empty for a model."""

    delivery_id: str
    entity: str
    action: str
    name: str
    version: str


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_s: float
) -> Delivery:
    """Check a delivery over its raw body. `now_s` is Unix time.

    Any of the secrets may have signed: while one is replaced by another, both are accepted.
    A delivery id is to be taken once, by whoever keeps them. Raises WebhookRefused.
    """
    given = {name.lower(): value for name, value in headers.items()}
    delivery_id = given.get("x-mlflow-delivery-id", "")
    timestamp = given.get("x-mlflow-timestamp", "")
    signature = given.get("x-mlflow-signature", "")
    if not delivery_id or not timestamp or not signature or len(delivery_id) > LONGEST_ID:
        raise WebhookRefused("The delivery lacks its id, its time or its signature.")
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    if not _is_signed(secrets, signature, signed):
        raise WebhookRefused("The delivery is not signed with a secret of this platform.")
    _check_time(timestamp, now_s)
    return _delivery(delivery_id, body)


def sign(secret: str, delivery_id: str, timestamp_s: int, body: bytes) -> str:
    """The signature header of a delivery, as the tracking server makes it."""
    signed = f"{delivery_id}.{timestamp_s}.".encode() + body
    return f"{SIGNATURE_VERSION},{base64.b64encode(_digest(secret, signed)).decode()}"


def _is_signed(secrets: Sequence[str], signature: str, signed: bytes) -> bool:
    version, _, encoded = signature.partition(",")
    if version != SIGNATURE_VERSION:
        return False
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    # Every secret is tried, so that the time taken does not tell which one fits.
    fits = [hmac.compare_digest(_digest(secret, signed), given) for secret in secrets if secret]
    return any(fits)


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _check_time(timestamp: str, now_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > len("9999999999"):
        raise WebhookRefused("The delivery's time is not a number of seconds.")
    if abs(now_s - int(timestamp)) > WINDOW_S:
        raise WebhookRefused("The delivery is more than five minutes old, or from the future.")


def _delivery(delivery_id: str, body: bytes) -> Delivery:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WebhookRefused("The delivery's body is not JSON.") from error
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, dict):
        raise WebhookRefused("The delivery's body names no object.")
    return Delivery(
        delivery_id=delivery_id,
        entity=_text(found, "entity"),
        action=_text(found, "action"),
        name=_text(data, "name"),
        version=_text(data, "version"),
    )


def _text(row: Mapping[str, Any], key: str) -> str:
    """A field as text, empty where it is absent. Raises WebhookRefused for what is no text."""
    value = row.get(key)
    if value is None or isinstance(value, int):
        value = "" if value is None else str(value)
    if not isinstance(value, str) or len(value) > LONGEST_NAME or "\x00" in value:
        raise WebhookRefused(f"The delivery's {key} is not a short text.")
    return value
