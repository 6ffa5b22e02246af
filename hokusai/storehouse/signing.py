"""Links that carry their own permission: HMAC-SHA256 over method, path and query.

A link permits one method on one path until it expires; nothing in its query can be changed.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

EXPIRES, SIGNATURE = "expires", "signature"


class LinkRefused(Exception):
    """The link was forged or changed, or its time is over."""


def signed_query(
    secret: str, method: str, path: str, query: Mapping[str, str], *, expires_at_s: int
) -> str:
    """The query that permits `method` on `path` until `expires_at_s` (Unix time).

    Raises ValueError without a secret: anybody could sign with an empty one.
    """
    if not secret:
        raise ValueError("Links are signed with a secret; none is set.")
    complete = {**query, EXPIRES: str(expires_at_s)}
    return urlencode({**complete, SIGNATURE: _signature(secret, method, path, complete)})


def check(secret: str, method: str, path: str, query: Mapping[str, str], *, now_s: float) -> None:
    """Raises LinkRefused unless `signed_query` made this query and its time is not over."""
    given = {name: value for name, value in query.items() if name != SIGNATURE}
    expected = _signature(secret, method, path, given)
    if not secret or not hmac.compare_digest(
        expected.encode(), query.get(SIGNATURE, "").encode("utf-8", "replace")
    ):
        raise LinkRefused("The link's signature does not match.")
    expires = given.get(EXPIRES, "")
    if not expires.isascii() or not expires.isdigit() or int(expires) < now_s:
        raise LinkRefused("The link's time is over; ask for a new one.")


def _signature(secret: str, method: str, path: str, query: Mapping[str, str]) -> str:
    signed = "\n".join((method, path, urlencode(sorted(query.items()))))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
