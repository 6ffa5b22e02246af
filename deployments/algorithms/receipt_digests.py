"""What a receipt says of input and output: digests that anybody repeats from a copy of their own.

A JSON body counts by what it says, so that spaces, the order of names and the way a number is
written make no difference: its rows as objects by column, in the canonical form of RFC 8785, where
every number is a double. Any other body counts by its bytes. The form stands before the digest.
"""

from hashlib import sha256
from typing import Any, Final

import orjson
import rfc8785

ROWS: Final = "rows-jcs"
OUTPUTS: Final = "outputs-jcs"
BYTES: Final = "bytes"
MAX_JSON_BYTES: Final = 1 << 20
_EXACT: Final = 2**53


class NoDigest(ValueError):
    """What was given has no canonical form."""


def of_rows(body: bytes) -> str:
    """The digest of a JSON body that predictions were asked for with, in either of its forms.

    Raises NoDigest: longer than MAX_JSON_BYTES, or not in form.
    """
    if len(body) > MAX_JSON_BYTES:
        raise NoDigest(
            f"A receipt is given for JSON of at most {MAX_JSON_BYTES} bytes; send a larger input "
            "as Arrow or parquet, which count by their bytes."
        )
    return _digest(ROWS, _rows(_parsed(body)))


def of_outputs(outputs: bytes) -> str:
    """The digest of the `outputs` of a JSON answer. Raises NoDigest."""
    return _digest(OUTPUTS, _parsed(outputs))


def of_bytes(body: bytes) -> str:
    """The digest of a body that counts by its bytes."""
    return f"{BYTES}:{sha256(body).hexdigest()}"


def _digest(form: str, value: Any) -> str:
    try:
        return f"{form}:{sha256(rfc8785.dumps(_doubles(value))).hexdigest()}"
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError, OverflowError) as error:
        raise NoDigest(f"The values have no canonical form: {error}") from error


def _parsed(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise NoDigest("This is no JSON.") from error


def _rows(given: Any) -> list[Any]:
    """Rows as objects by column."""
    stated = given if isinstance(given, dict) else {}
    rows, columns, data = (stated.get(name) for name in ("rows", "columns", "data"))
    if isinstance(rows, list):
        return rows
    if not isinstance(columns, list) or not isinstance(data, list):
        raise NoDigest("A body holds `rows`, or `columns` and `data`.")
    try:
        return [dict(zip(columns, row, strict=True)) for row in data]
    except (TypeError, ValueError) as error:
        raise NoDigest("A row of `data` does not fit `columns`.") from error


def _doubles(value: Any) -> Any:
    """The value with integers that no double holds exactly turned into the nearest double."""
    if isinstance(value, dict):
        return {name: _doubles(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_doubles(one) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT:
        return float(value)
    return value
