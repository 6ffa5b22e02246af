"""Canonical JSON bytes (RFC 8785) of values without floats, and the strict way back."""

import json
from hashlib import sha256
from typing import Any, NoReturn

import rfc8785

MAX_INTEGER = 2**53 - 1
MAX_DIGITS = len(str(MAX_INTEGER))


class CanonicalError(ValueError):
    """The value has no canonical form, or the bytes are not in it."""


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 form of `value`: str, int, bool, None, list and dict only.

    Raises:
        CanonicalError: a float, an integer at or beyond 2**53, a key that is not text, text that
            is not valid Unicode, any other type, or nesting too deep.
    """
    try:
        _refuse_inexact(value)
        return rfc8785.dumps(value)
    except RecursionError as error:
        raise CanonicalError("The value is nested too deeply.") from error
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise CanonicalError(f"The value has no canonical form: {error}") from error


def parse_canonical(data: bytes) -> Any:
    """Return the value whose canonical form is exactly `data`.

    Raises:
        CanonicalError: not JSON, duplicate keys, floats or NaN, or any other byte sequence than
            the canonical one (spaces, escapes, key order).
    """
    value = parse_strict(data)
    if canonical_bytes(value) != data:
        raise CanonicalError("The bytes differ from their own canonical form.")
    return value


def parse_strict(data: bytes) -> Any:
    """Parse JSON in any layout, without duplicate keys, floats, NaN or large integers.

    Raises:
        CanonicalError: one of these was found, or the bytes are not JSON in UTF-8.
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
            parse_int=_parse_integer,
        )
    except CanonicalError:
        raise
    except RecursionError as error:
        raise CanonicalError("The JSON is nested too deeply.") from error
    except ValueError as error:
        raise CanonicalError(f"Not JSON in UTF-8: {error}") from error


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return sha256(data).hexdigest()


def _refuse_inexact(value: Any) -> None:
    if isinstance(value, dict):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise CanonicalError(f"A key must be text, not {type(wrong[0]).__name__}.")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _refuse_inexact(item)
    elif value is not None and not isinstance(value, str | int):
        raise CanonicalError(f"A {type(value).__name__} has no canonical form here.")
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise CanonicalError("An integer at or beyond 2**53 is not exact in JSON; use text.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise CanonicalError("An object has a key twice.")
    return unique


def _refuse_float(text: str) -> NoReturn:
    raise CanonicalError(f"Only integers are exact, not {text[:40]}.")


def _parse_integer(text: str) -> int:
    # The length is checked first: converting a million digits is quadratic work.
    if len(text.lstrip("-")) > MAX_DIGITS or abs(int(text)) > MAX_INTEGER:
        raise CanonicalError("An integer at or beyond 2**53 is not exact in JSON; use text.")
    return int(text)
