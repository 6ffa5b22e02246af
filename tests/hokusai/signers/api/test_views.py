import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from hokusai.core.events import SYSTEM
from hokusai.signers import services
from tests.factories import SigningKeyFactory
from tests.hokusai.signers.keys import half_of, new_key

pytestmark = pytest.mark.django_db


def test_keys_are_public_with_all_that_a_verifier_needs() -> None:
    public = half_of(new_key("secp256k1"))
    key = services.introduce_key(purpose="chain", public_pem=public.public_pem, actor=SYSTEM)
    services.compromise_key(
        key_id=key.key_id, from_index=3, log_size=9, reason="lost", actor=SYSTEM
    )
    shown = APIClient().get(f"/api/v1/keys/{key.key_id}").json()
    assert shown["id"] == public.key_id
    assert shown["address"] == public.address
    assert (shown["algorithm"], shown["purpose"]) == ("secp256k1", "chain")
    assert shown["public_pem"].startswith("-----BEGIN PUBLIC KEY-----")
    assert (shown["state"], shown["compromised_from_index"]) == ("compromised", 3)
    assert APIClient().get("/api/v1/keys").json() == [shown]
    assert "lost" not in str(shown)


def test_retired_keys_stay_listed() -> None:
    now = timezone.now()
    SigningKeyFactory(valid_from=now, valid_until=now, retired_at=now)
    assert APIClient().get("/api/v1/keys").json()[0]["state"] == "retired"


def test_an_unknown_key_is_absent() -> None:
    assert APIClient().get(f"/api/v1/keys/{'0' * 64}").status_code == 404
    assert APIClient().get("/api/v1/keys/nonsense").status_code == 404


def test_all_keys_cost_one_query(django_assert_num_queries: pytest.FixtureRequest) -> None:
    SigningKeyFactory.create_batch(4)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert len(APIClient().get("/api/v1/keys").json()) == 4
