import pytest
from django.utils import timezone

from contributions.models import SigningPolicy
from contributions.signing_policies import set_signing_policy
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from tests.factories import ProjectFactory, SigningKeyFactory, UserFactory

pytestmark = pytest.mark.django_db


def state(required: int, *key_ids: str, **fields: object) -> SigningPolicy:
    given = {"project": ProjectFactory(), "actor": actor_of(UserFactory()), **fields}
    return set_signing_policy(required=required, key_ids=key_ids, **given)


def keys(count: int) -> list[str]:
    return [SigningKeyFactory().key_id for _ in range(count)]


def test_a_policy_names_keys_and_how_many_have_to_sign() -> None:
    names, project = keys(3), ProjectFactory()
    state(2, *names, project=project)
    policy = state(3, *names, project=project)
    assert (policy.required, policy.key_ids) == (3, names)
    assert SigningPolicy.objects.count() == 1
    event = Event.objects.filter(tag="signing-policy:changed").latest("id")
    assert (event.before["required"], event.after["required"]) == (2, 3)


@pytest.mark.parametrize("required", [0, 3])
def test_a_number_that_the_keys_cannot_reach_is_refused(required: int) -> None:
    with pytest.raises(InvalidInput, match="Between 1 and 2"):
        state(required, *keys(2))


def test_only_keys_that_may_sign_count_each_once() -> None:
    [name] = keys(1)
    lost = SigningKeyFactory(compromised_at=timezone.now(), compromised_from_index=0)
    chain = SigningKeyFactory(
        purpose="chain", algorithm="secp256k1", address="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    )
    for given in ((name, name), (), ("f" * 64,), (lost.key_id,), (chain.key_id,)):
        with pytest.raises(InvalidInput):
            state(1, *given)


def test_a_policy_is_stated_by_a_person() -> None:
    with pytest.raises(Forbidden):
        state(1, *keys(1), actor=SYSTEM)
