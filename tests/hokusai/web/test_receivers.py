import pytest
import redis

from hokusai.accounts.services import actor_of, remove_member, revoke_api_key
from hokusai.core.errors import OutsideUnavailable
from hokusai.core.models import Event
from hokusai.web.gate import identity_key
from hokusai.web.receivers import ForgetRevokedKeys
from tests.factories import MembershipFactory, ProjectFactory, api_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(settings):
    """A key whose identity Redis keeps, and where."""
    key, _ = api_key(ProjectFactory())
    name = identity_key(bytes(key.secret_hash))
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.set(name, b"[]", ex=30)
    return key, lambda: bool(client.exists(name))


def deliver(tag: str) -> None:
    event = Event.objects.get(tag=tag)
    ForgetRevokedKeys().receive(event, operation_id=event.public_id)


def test_a_revoked_key_is_forgotten_and_hearing_it_twice_changes_nothing(kept):
    key, is_kept = kept
    revoke_api_key(key_id=key.pk, actor=actor_of(key.owner))
    deliver("api-key:revoked")
    deliver("api-key:revoked")
    assert not is_kept()


def test_the_keys_of_a_member_who_left_are_forgotten(kept):
    key, is_kept = kept
    MembershipFactory(project=key.project, role="owner")
    remove_member(project=key.project, user=key.owner, actor=actor_of(key.owner))
    deliver("membership:removed")
    assert not is_kept()


def test_keys_that_were_not_revoked_stay(kept):
    key, is_kept = kept
    other, _ = api_key(key.project)
    revoke_api_key(key_id=other.pk, actor=actor_of(other.owner))
    deliver("api-key:revoked")
    assert is_kept()


def test_without_redis_it_is_asked_again_later(kept, settings):
    key, _ = kept
    revoke_api_key(key_id=key.pk, actor=actor_of(key.owner))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(OutsideUnavailable):
        deliver("api-key:revoked")
