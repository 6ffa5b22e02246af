"""Which bearer tokens are another service's: neither our keys nor our own signed tokens."""

from collections.abc import Mapping
from typing import Any

import jwt
from rest_framework_simplejwt.state import token_backend

from hokusai.accounts.keys import KEY_PREFIX

MAX_TOKEN = 8192
_JWT_DOTS = 2


def token_of(headers: Mapping[str, Any]) -> str:
    """The token of another service in `Authorization`; empty where there is none."""
    scheme, _, token = str(headers.get("Authorization") or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 1 <= len(token) <= MAX_TOKEN:
        return ""
    return "" if token.startswith(KEY_PREFIX) or _is_own(token) else token


def _is_own(token: str) -> bool:
    """Whether this platform signed it, whatever became of it since."""
    if token.count(".") != _JWT_DOTS:
        return False
    # Only the signature is looked at: what it says is for whoever takes it as a login.
    backend: Any = token_backend
    try:
        jwt.PyJWS().decode(token, backend.get_verifying_key(token), algorithms=[backend.algorithm])
    except jwt.PyJWTError:
        return False
    return True
