import base64
import time

import pytest
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from hokusai.notify.exceptions import SecretUnreadable
from hokusai.notify.signatures import new_secret, seal, signed_headers, unseal

BODY = b'{"type":"version.ready"}'


def headers(*secrets: str) -> dict[str, str]:
    return signed_headers(secrets, message_id="whd_1", timestamp_s=int(time.time()), body=BODY)


def test_a_secret_is_whsec_and_24_to_64_random_bytes() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) <= 64


def test_a_sealed_secret_is_read_again_and_does_not_show_it() -> None:
    secret = new_secret()
    assert secret.removeprefix("whsec_") not in seal(secret)
    assert unseal(seal(secret)) == secret


def test_another_pepper_reads_no_secret(settings: Settings) -> None:
    sealed = seal(new_secret())
    settings.API_KEY_PEPPER = "another"
    with pytest.raises(SecretUnreadable):
        unseal(sealed)


def test_standard_webhooks_verifies_the_signature() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers(secret)) == {"type": "version.ready"}


def test_two_secrets_sign_side_by_side() -> None:
    new, old = new_secret(), new_secret()
    both = headers(new, old)
    assert len(both["webhook-signature"].split(" ")) == 2
    for secret in (new, old):
        Webhook(secret).verify(BODY, both)


@pytest.mark.parametrize("changed", [b'{"type":"version.failed"}', BODY + b" "])
def test_another_body_or_secret_is_not_verified(changed: bytes) -> None:
    secret = new_secret()
    signed = headers(secret)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(changed, signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, signed)
