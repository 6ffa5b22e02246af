from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, InvalidInput, NotFound
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from hokusai.signers import services
from hokusai.signers.algorithms.eip712_rules import Domain
from hokusai.signers.choices import KeyState
from hokusai.signers.domains import chain_domain
from hokusai.signers.exceptions import SignerUnusable
from hokusai.signers.models import SigningKey
from tests.hokusai.signers.keys import half_of, keep, new_key

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def introduced(kind: str = "ed25519", purpose: str = "attestation", **fields: Any) -> SigningKey:
    pem = half_of(new_key(kind)).public_pem
    return services.introduce_key(purpose=purpose, public_pem=pem, actor=SYSTEM, **fields)


def last_event() -> Event:
    return Event.objects.order_by("-pk")[0]


def test_a_key_is_introduced_with_one_event() -> None:
    key = introduced("secp256k1", "chain", backend="file")
    assert key.address.startswith("0x")
    assert key.state_at(timezone.now()) == KeyState.LIVE
    event = Event.objects.get()
    assert (event.tag, event.subject) == ("key:introduced", key.public_id)
    assert event.after["address"] == key.address
    assert services.valid_keys("chain") == [key]
    assert services.valid_keys("log") == []


def test_a_key_is_introduced_once() -> None:
    key = introduced()
    with pytest.raises(Conflict, match="known already"):
        services.introduce_key(purpose="log", public_pem=key.public_pem, actor=SYSTEM)


@pytest.mark.parametrize(
    ("kind", "purpose", "why"),
    [
        ("ed25519", "chain", "is ECDSA on secp256k1, not Ed25519"),
        ("secp256k1", "attestation", "is Ed25519, not"),
        ("p256", "log", "is Ed25519, not ECDSA on P-256"),
    ],
)
def test_a_key_of_the_wrong_kind_is_not_introduced(kind: str, purpose: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        introduced(kind, purpose)


def test_what_is_no_key_or_ended_already_is_not_introduced() -> None:
    with pytest.raises(InvalidInput, match="not PEM"):
        services.introduce_key(purpose="log", public_pem="no key", actor=SYSTEM)
    with pytest.raises(InvalidInput, match="ends in the future"):
        introduced(valid_until=timezone.now() - DAY)


def test_old_and_new_are_both_valid_until_the_old_one_ends() -> None:
    old, new = introduced(), introduced()
    ends = timezone.now() + 7 * DAY
    old = services.retire_key(key_id=old.key_id, valid_until=ends, actor=SYSTEM)
    assert last_event().tag == "key:retired"
    assert services.valid_keys("attestation") == [new, old]
    assert services.usable(old.key_id, ends - DAY) == old
    assert old.state_at(timezone.now()) == KeyState.RETIRING
    with pytest.raises(SignerUnusable, match="retired at"):
        services.usable(old.key_id, ends)
    assert services.valid_keys("attestation", ends) == [new]
    assert old.vouches_for(None)


def test_a_key_that_expired_between_evaluation_and_signing_is_refused_with_its_reason() -> None:
    key = introduced(valid_until=timezone.now() + DAY)
    assert services.usable(key.key_id) == key
    with pytest.raises(SignerUnusable, match="expired at") as refused:
        services.usable(key.key_id, timezone.now() + 2 * DAY)
    assert refused.value.context == {"key_id": key.key_id}
    with pytest.raises(SignerUnusable, match="not valid before"):
        services.usable(key.key_id, timezone.now() - DAY)


def test_a_key_is_retired_at_once_without_an_end() -> None:
    key = services.retire_key(key_id=introduced().key_id, actor=SYSTEM)
    assert key.state_at(timezone.now()) == KeyState.RETIRED
    with pytest.raises(Conflict, match="retired already"):
        services.retire_key(key_id=key.key_id, actor=SYSTEM)


def test_a_keys_end_is_brought_forward_and_never_put_off() -> None:
    key, now = introduced(), timezone.now()
    services.retire_key(key_id=key.key_id, valid_until=now + 5 * DAY, actor=SYSTEM)
    with pytest.raises(InvalidInput, match="never put off"):
        services.retire_key(key_id=key.key_id, valid_until=now + 6 * DAY, actor=SYSTEM)
    with pytest.raises(InvalidInput, match="before now"):
        services.retire_key(key_id=key.key_id, valid_until=now - DAY, actor=SYSTEM)
    sooner = services.retire_key(key_id=key.key_id, valid_until=now + DAY, actor=SYSTEM)
    assert sooner.valid_until == now + DAY


def compromised(key: SigningKey, index: int, **changes: Any) -> SigningKey:
    stated = {"from_index": index, "log_size": 100, "reason": "laptop lost", "actor": SYSTEM}
    return services.compromise_key(key_id=key.key_id, **{**stated, **changes})


def test_a_compromised_key_vouches_for_what_was_logged_before() -> None:
    key = compromised(introduced(), 40)
    assert [key.vouches_for(index) for index in (0, 39, 40, 99, None)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(SignerUnusable, match="it is compromised"):
        services.usable(key.key_id)
    assert services.valid_keys("attestation") == []
    event = last_event()
    assert event.tag == "key:compromised"
    assert event.after["compromised_from_index"] == 40
    assert event.after["reason"] == "laptop lost"


def test_the_index_is_lowered_and_never_raised() -> None:
    key = compromised(introduced(), 40)
    known = key.compromised_at
    for later in (40, 41):
        with pytest.raises(Conflict, match="from index 40"):
            compromised(key, later)
    key = compromised(key, 7)
    assert (key.compromised_from_index, key.compromised_at) == (7, known)


@pytest.mark.parametrize(
    ("index", "changes", "why"),
    [(101, {}, "has 100 leaves"), (-1, {}, "has 100 leaves"), (5, {"reason": " "}, "Say why")],
)
def test_a_compromise_names_a_leaf_and_a_reason(
    index: int, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        compromised(introduced(), index, **changes)


def test_a_compromised_key_is_not_retired() -> None:
    key = compromised(introduced(), 0)
    with pytest.raises(Conflict, match="compromised already"):
        services.retire_key(key_id=key.key_id, actor=SYSTEM)


def test_an_unknown_key_is_not_found() -> None:
    for ask in (services.key_at, services.usable):
        with pytest.raises(NotFound):
            ask("0" * 64)
    with pytest.raises(NotFound):
        services.retire_key(key_id="0" * 64, actor=SYSTEM)


def test_the_first_key_of_a_purpose_is_introduced_by_its_use(settings: Any, tmp_path: Path) -> None:
    key = new_key("ed25519")
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", key)}
    signer = services.signer_for("log")
    row = services.admit(signer=signer)
    assert (row.key_id, row.backend) == (signer.key_id, "file")
    assert services.admit(signer=services.signer_for("log")) == row
    assert Event.objects.filter(tag="key:introduced").count() == 1


def test_a_further_key_must_be_introduced_before_it_signs(settings: Any, tmp_path: Path) -> None:
    introduced(purpose="log")
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", new_key("ed25519"))}
    with pytest.raises(SignerUnusable, match="was not introduced"):
        services.admit(signer=services.signer_for("log"))


def test_a_key_does_not_sign_for_another_purpose(settings: Any, tmp_path: Path) -> None:
    key = new_key("ed25519")
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", key)}
    introduced(purpose="log")
    services.introduce_key(purpose="attestation", public_pem=half_of(key).public_pem, actor=SYSTEM)
    with pytest.raises(SignerUnusable, match="introduced for attestations"):
        services.admit(signer=services.signer_for("log"))


def test_a_key_that_ended_meanwhile_is_not_admitted(settings: Any, tmp_path: Path) -> None:
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", new_key("ed25519"))}
    signer = services.signer_for("log")
    row = services.admit(signer=signer)
    services.retire_key(key_id=row.key_id, actor=SYSTEM)
    with pytest.raises(SignerUnusable, match="retired at"):
        services.admit(signer=signer)


def test_a_process_without_keys_says_whose_they_are(settings: Any) -> None:
    settings.SIGNERS = {}
    with pytest.raises(SignerUnusable, match="the signer's queue does"):
        services.signer_for("attestation")
    assert services.signers_for("attestation") == []


def test_a_process_may_hold_several_keys_of_a_purpose(settings: Any, tmp_path: Path) -> None:
    keys = [new_key("ed25519") for _ in range(2)]
    settings.SIGNERS = {
        "attestation:second": keep(tmp_path / "2.pem", keys[1]),
        "attestation": keep(tmp_path / "1.pem", keys[0]),
        "log": keep(tmp_path / "log.pem", new_key("ed25519")),
    }
    held = [signer.key_id for signer in services.signers_for("attestation")]
    assert held == [half_of(key).key_id for key in keys]
    assert services.signer_for("attestation").key_id == held[0]


def test_a_rotation_is_a_job_of_the_signer() -> None:
    job = services.request_rotation(purpose="chain", actor=SYSTEM)
    assert (job.kind, job.subject) == ("key_rotation", "chain")
    assert last_event().tag == "key:rotation_requested"
    with pytest.raises(Conflict, match="under way"):
        services.request_rotation(purpose="chain", actor=SYSTEM)
    with pytest.raises(InvalidInput, match="where they are used"):
        services.request_rotation(purpose="artifact", actor=SYSTEM)
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"algorithm": "secp256k1", "address": ""},
        {"algorithm": "ed25519", "address": "0x00"},
        {"retired_at": timezone.now()},
        {"valid_until": timezone.now() - DAY},
        {"compromised_at": timezone.now()},
        {"compromised_at": timezone.now(), "compromised_from_index": -1},
        {"purpose": "other"},
    ],
)
def test_the_database_keeps_no_key_that_makes_no_sense(fields: dict[str, Any]) -> None:
    stated = {"key_id": "1" * 64, "public_pem": "…", "valid_from": timezone.now()}
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(**{**stated, **fields})


def test_without_a_contract_the_domain_is_bound_to_this_instance(settings: Any) -> None:
    settings.CHAIN_CONTRACT, settings.CHAIN_ID = "", 5
    settings.INSTANCE_NAME, settings.ENVIRONMENT_NAME = "demo", "development"
    demo = chain_domain()
    assert (demo.chain_id, demo.verifying_contract, len(demo.salt)) == (5, "", 66)
    settings.ENVIRONMENT_NAME = "production"
    assert chain_domain().salt != demo.salt
    settings.CHAIN_CONTRACT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert chain_domain() == Domain(5, verifying_contract=settings.CHAIN_CONTRACT)
