from dataclasses import replace

import pytest

from hokusai.web.external.policy import Policy
from hokusai.web.external.problems import IntrospectionFailed
from hokusai.web.external.service import introspect

ACTIVE = {"username": "ada", "project": "tides", "sub": "7"}


def policy(service, **changes) -> Policy:
    return replace(Policy(url=service.url, timeout_s=2.0), **changes)


def test_the_token_is_asked_about_as_rfc_7662_says(service):
    service.knows("tok+en/=", **ACTIVE, scope="read predict admin", exp=2e9, models=["tides.a"])
    verdict = introspect("tok+en/=", policy(service, token="of the platform"))
    assert (verdict.active, verdict.username, verdict.project) == (True, "ada", "tides")
    assert verdict.scopes == {"read", "predict"}
    assert (verdict.model_ids, verdict.expires_at) == ({"tides.a"}, 2e9)
    (sent,) = service.headers
    assert sent["Authorization"] == "Bearer of the platform"
    assert sent["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_token_that_it_does_not_know_is_inactive(service):
    assert not introspect("unknown", policy(service)).active
    assert "Authorization" not in service.headers[0]


@pytest.mark.parametrize("status", [201, 302, 401, 404, 429, 500])
def test_a_status_that_is_not_200_says_nothing_of_the_token(service, status):
    service.status = status
    with pytest.raises(IntrospectionFailed):
        introspect("any", policy(service))


def test_a_service_that_trickles_gets_no_more_time(service):
    service.knows("slow", **ACTIVE)
    service.trickles = True
    with pytest.raises(IntrospectionFailed, match="Timeout"):
        introspect("slow", policy(service, timeout_s=0.3))


def test_a_service_that_says_nothing_is_left(service):
    service.answering.clear()
    with pytest.raises(IntrospectionFailed):
        introspect("any", policy(service, timeout_s=0.05))


def test_an_answer_without_end_is_not_read(service):
    service.raw = b'{"active": true, "x": "' + b"x" * 100_000 + b'"}'
    with pytest.raises(IntrospectionFailed):
        introspect("any", policy(service))


def test_where_nobody_listens_nothing_is_learned():
    with pytest.raises(IntrospectionFailed):
        introspect("any", Policy(url="http://127.0.0.1:1/introspect"))
