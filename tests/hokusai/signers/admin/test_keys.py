"""The page of a key: its time, what it signed, and what administrators may do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from hokusai.signers import services
from hokusai.signers.choices import KeyState
from hokusai.signers.models import SigningKey
from hokusai.transparency import services as log
from tests.factories import UserFactory
from tests.hokusai.signers.keys import half_of, new_key
from tests.staff import SENT, Staff, logged_in, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Staff:
    user = UserFactory(is_staff=True, is_superuser=True)
    return Staff(user, logged_in(user))


@pytest.fixture
def key() -> SigningKey:
    public = half_of(new_key("ed25519")).public_pem
    return services.introduce_key(purpose="attestation", public_pem=public, actor=SYSTEM)


@pytest.fixture
def signed(key: SigningKey, django_capture_on_commit_callbacks: Callable[..., Any]) -> SigningKey:
    """The key signed three records of the log, at the indices 0, 1 and 2."""
    with transaction.atomic():
        for number in range(3):
            log.append("attestation", {"n": number}, subject=f"att_{number}", key_id=key.key_id)
    log.sequence()
    return key


def url(key: SigningKey, action: str = "change") -> str:
    return reverse(f"admin:signers_signingkey_{action}", args=[key.pk])


def sent(staff: Staff, key: SigningKey, action: str, **data: Any) -> SigningKey:
    answer = staff.client.post(url(key, action), {**SENT, **data})
    assert answer.status_code == 200
    return SigningKey.objects.get(pk=key.pk)


def test_the_page_shows_validity_and_what_was_signed(root: Staff, signed: SigningKey) -> None:
    shown = root.client.get(url(signed)).content.decode()
    assert "hk-span hk-success" in shown
    assert "PUBLIC KEY" in shown
    panels = root.client.get(url(signed)).context["page"].panels
    rows = next(panel for panel in panels if panel.title == "In the log").context["rows"]
    assert rows == [("attestation", "3", "0", "2", "0")]


def test_without_a_valid_key_the_page_says_so(root: Staff, key: SigningKey) -> None:
    services.retire_key(key_id=key.key_id, actor=SYSTEM)
    assert "nothing is signed until one is introduced" in root.client.get(url(key)).content.decode()


def test_an_administrator_asks_for_a_rotation(root: Staff, key: SigningKey) -> None:
    assert "restart the signer" in root.client.get(url(key, "rotate")).content.decode()
    sent(root, key, "rotate")
    assert Job.objects.get(kind="key_rotation").subject == "attestation"
    assert Event.objects.get(tag="key:rotation_requested").actor_label == root.user.username
    assert "was asked to introduce" in root.client.get(url(key)).content.decode()


def test_a_rotation_that_failed_is_told(root: Staff, key: SigningKey) -> None:
    job = services.request_rotation(purpose="attestation", actor=SYSTEM)
    Job.objects.filter(pk=job.pk).update(status="failed", last_error="It holds no key.")
    assert "It holds no key." in root.client.get(url(key)).content.decode()


@pytest.mark.parametrize(("days", "state"), [(7, KeyState.RETIRING), (0, KeyState.RETIRED)])
def test_an_administrator_retires_a_key(
    root: Staff, key: SigningKey, days: int, state: KeyState
) -> None:
    assert sent(root, key, "retire", in_days=days).state_at(timezone.now()) == state


def test_the_dialog_names_what_becomes_invalid(root: Staff, signed: SigningKey) -> None:
    shown = root.client.get(url(signed, "compromise")).content.decode()
    assert "3 records of kind attestation (index 0 to 2)" in shown
    assert f"Type {signed} to confirm" in shown


def test_an_administrator_marks_a_key_as_compromised(root: Staff, signed: SigningKey) -> None:
    data = {"from_index": 1, "reason": "laptop lost", "confirmation": str(signed)}
    assert sent(root, signed, "compromise", **data).compromised_from_index == 1
    panels = root.client.get(url(signed)).context["page"].panels
    rows = next(panel for panel in panels if panel.title == "In the log").context["rows"]
    assert rows == [("attestation", "3", "0", "2", "2")]


@pytest.mark.parametrize(
    "changes", [{"confirmation": "other"}, {"from_index": 4_000}, {"reason": ""}]
)
def test_a_compromise_is_confirmed_and_lies_within_the_log(
    root: Staff, signed: SigningKey, changes: dict[str, Any]
) -> None:
    data = {"from_index": 1, "reason": "laptop lost", "confirmation": str(signed), **changes}
    assert sent(root, signed, "compromise", **data).compromised_at is None


@pytest.mark.parametrize("action", ["rotate", "retire", "compromise"])
def test_others_see_keys_and_change_none(key: SigningKey, action: str) -> None:
    staff = staff_in(None, "owner")
    shown = staff.client.get(url(key))
    assert shown.status_code == 200
    assert url(key, action) not in shown.content.decode()
    assert staff.client.post(url(key, action), SENT).status_code == 403
    assert not Job.objects.exists()


def test_keys_of_models_are_only_listed(root: Staff) -> None:
    public = half_of(new_key("p256")).public_pem
    key = services.introduce_key(purpose="artifact", public_pem=public, actor=SYSTEM)
    shown = root.client.get(url(key)).content.decode()
    assert url(key, "rotate") not in shown
    assert url(key, "compromise") not in shown


def test_a_name_from_the_record_leads_to_the_page(root: Staff, key: SigningKey) -> None:
    answer = root.client.get(reverse("admin:find", args=[key.public_id]))
    assert answer["Location"] == url(key)
