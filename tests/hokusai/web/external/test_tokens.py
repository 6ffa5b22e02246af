from datetime import timedelta

import jwt
import pytest
from rest_framework_simplejwt.tokens import AccessToken

from hokusai.web.external.tokens import MAX_TOKEN, token_of
from tests.factories import UserFactory


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "x" * MAX_TOKEN])
def test_a_bearer_token_that_is_not_ours_is_another_services(token):
    assert token_of(bearer(token)) == token


def test_a_token_of_another_issuer_is_not_ours_whatever_its_form():
    token = jwt.encode({"sub": "7"}, "another secret, as long as it has to be", "HS256")
    assert token_of(bearer(token)) == token


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic YTpi"},
        bearer(""),
        bearer("hok_secret"),
        bearer("x" * (MAX_TOKEN + 1)),
    ],
)
def test_keys_and_other_schemes_are_left_alone(headers):
    assert token_of(headers) == ""


@pytest.mark.django_db
def test_what_this_platform_signed_is_its_own_also_when_it_ended():
    token = AccessToken.for_user(UserFactory())
    assert token_of(bearer(str(token))) == ""
    token.set_exp(lifetime=-timedelta(hours=1))
    assert token_of(bearer(str(token))) == ""
