import pytest

from hokusai.core.errors import Forbidden
from hokusai.notify.signatures import new_secret, signed_headers
from hokusai.web.external.pushes import verify

SECRET, BODY, NOW = new_secret(), b'{"type": "token.revoked"}', 1_800_000_000


def signed(*secrets: str, at: int = NOW) -> dict[str, str]:
    return signed_headers(secrets or (SECRET,), message_id="m-1", timestamp_s=at, body=BODY)


def test_a_message_signed_with_any_of_the_secrets_is_taken():
    verify([new_secret(), SECRET], signed(), BODY, NOW + 10)
    verify([SECRET], signed(new_secret(), SECRET), BODY, NOW - 10)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(new_secret()), BODY),
        (signed(), BODY + b" "),
        (signed(at=NOW - 301), BODY),
        (signed(at=NOW + 301), BODY),
        ({}, BODY),
        ({**signed(), "webhook-id": "m-2"}, BODY),
        ({**signed(), "webhook-id": ""}, BODY),
        ({**signed(), "webhook-timestamp": "soon"}, BODY),
        ({**signed(), "webhook-timestamp": "²"}, BODY),
        ({**signed(), "webhook-signature": ""}, BODY),
        ({**signed(), "webhook-signature": "v1,ä"}, BODY),
    ],
)
def test_any_other_message_is_refused(headers, body):
    with pytest.raises(Forbidden):
        verify([SECRET], headers, body, NOW)
