"""Messages of the authentication service that something it said holds no more.

Signed as Standard Webhooks are, with any of the secrets that both sides know.
"""

import hmac
from collections.abc import Mapping, Sequence

from hokusai.core.errors import Forbidden
from hokusai.notify.signatures import signed_headers

WINDOW_S = 300
LONGEST_ID = 200


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """Check a message over its raw body. `now_s` is Unix time. Raises Forbidden."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    offered = headers.get("webhook-signature", "").split(" ")
    if not message_id or len(message_id) > LONGEST_ID or not timestamp.isascii():
        raise Forbidden("The message lacks its id or its time.")
    if not timestamp.isdigit() or abs(now_s - int(timestamp[:12])) > WINDOW_S:
        raise Forbidden("The message is too old, or of the future.")
    made = signed_headers(secrets, message_id=message_id, timestamp_s=int(timestamp), body=body)
    valid = made["webhook-signature"].split(" ")
    if not any(
        hmac.compare_digest(one.encode(), other.encode()) for one in offered for other in valid
    ):
        raise Forbidden("The message is not signed with a secret of this platform.")
