"""API keys and invitation tokens: made of randomness, shown once, stored as keyed hashes."""

import hashlib
import hmac
import secrets

from django.conf import settings

KEY_PREFIX = "hok_"
_VISIBLE = 10


def new_secret() -> str:
    """A key with 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def visible_prefix(secret: str) -> str:
    """The part of a key that may be shown and searched."""
    return secret[:_VISIBLE]


def secret_hash(secret: str) -> bytes:
    """HMAC-SHA256 under the pepper: (32,) bytes; useless without the settings."""
    return hmac.digest(settings.API_KEY_PEPPER.encode(), secret.encode(), hashlib.sha256)
