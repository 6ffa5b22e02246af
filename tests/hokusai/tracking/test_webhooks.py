import base64
import hashlib
import hmac
from collections.abc import Mapping

import pytest

from hokusai.tracking.webhooks import WINDOW_S, Delivery, WebhookRefused, sign, verify

SECRET, NOW = "a secret", 1_795_163_845
BODY = (
    b'{"entity": "model_version_alias", "action": "created", '
    b'"data": {"name": "fraud", "alias": "champion", "version": "1"}}'
)


def headers(
    secret: str = SECRET, *, body: bytes = BODY, timestamp: int = NOW, delivery_id: str = "d-1"
) -> dict[str, str]:
    return {
        "X-MLflow-Delivery-Id": delivery_id,
        "X-MLflow-Timestamp": str(timestamp),
        "X-MLflow-Signature": sign(secret, delivery_id, timestamp, body),
    }


def test_a_signed_delivery_says_what_to_fetch() -> None:
    found = verify([SECRET], headers(), BODY, NOW)
    assert found == Delivery("d-1", "model_version_alias", "created", "fraud", "1")


def test_the_signature_is_mlflows_own() -> None:
    delivery = pytest.importorskip("mlflow.webhooks.delivery")
    made = delivery._generate_hmac_signature(SECRET, "d-1", str(NOW), BODY.decode())
    assert sign(SECRET, "d-1", NOW, BODY) == made


def test_a_models_delivery_has_no_version() -> None:
    body = b'{"entity":"registered_model","action":"created","data":{"name":"fraud"}}'
    assert verify([SECRET], headers(body=body), body, NOW).version == ""


def test_while_a_secret_is_replaced_both_are_accepted() -> None:
    for secret in ("old", "new"):
        assert verify(["new", "old"], headers(secret), BODY, NOW).delivery_id == "d-1"


@pytest.mark.parametrize("secrets", [[], [""], ["another"]])
def test_a_delivery_signed_by_none_of_the_secrets_is_refused(secrets: list[str]) -> None:
    with pytest.raises(WebhookRefused):
        verify(secrets, headers(secrets[0] if secrets == [""] else SECRET), BODY, NOW)


def test_another_body_is_refused_even_if_it_means_the_same() -> None:
    with pytest.raises(WebhookRefused):
        verify([SECRET], headers(), BODY.replace(b": ", b":"), NOW)


@pytest.mark.parametrize("name", ["X-MLflow-Delivery-Id", "X-MLflow-Timestamp"])
def test_the_id_and_the_time_are_signed_too(name: str) -> None:
    with pytest.raises(WebhookRefused):
        verify([SECRET], {**headers(), name: str(NOW + 1)}, BODY, NOW)


@pytest.mark.parametrize("lacking", list(headers()))
def test_a_header_that_lacks_is_refused(lacking: str) -> None:
    given = {name: value for name, value in headers().items() if name != lacking}
    with pytest.raises(WebhookRefused):
        verify([SECRET], given, BODY, NOW)


def test_names_of_headers_are_read_in_any_case() -> None:
    given: Mapping[str, str] = {name.upper(): value for name, value in headers().items()}
    assert verify([SECRET], given, BODY, NOW).name == "fraud"


@pytest.mark.parametrize("off_s", [-WINDOW_S, WINDOW_S])
def test_five_minutes_is_the_window(off_s: float) -> None:
    assert verify([SECRET], headers(), BODY, NOW + off_s).name == "fraud"
    with pytest.raises(WebhookRefused):
        verify([SECRET], headers(), BODY, NOW + off_s * 1.01)


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1e9", "٣", "9" * 30])
def test_a_time_that_is_no_number_is_refused(timestamp: str) -> None:
    signed = f"d-1.{timestamp}.".encode() + BODY
    made = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    given = {
        **headers(),
        "X-MLflow-Timestamp": timestamp,
        "X-MLflow-Signature": f"v1,{made}",
    }
    with pytest.raises(WebhookRefused):
        verify([SECRET], given, BODY, NOW)


@pytest.mark.parametrize("signature", ["v1,", "v2,AAAA", "v1,%%%", "AAAA", "v1,é"])
def test_a_signature_of_another_form_is_refused(signature: str) -> None:
    with pytest.raises(WebhookRefused):
        verify([SECRET], {**headers(), "X-MLflow-Signature": signature}, BODY, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": {"name": {}}}',
        b'{"data": {"name": "\\u0000"}}',
    ],
)
def test_a_signed_body_that_says_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        verify([SECRET], headers(body=body), body, NOW)
