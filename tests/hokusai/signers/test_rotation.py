"""The signer introduces what it holds; a person asks it to."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from hokusai.core import jobs
from hokusai.core.events import SYSTEM
from hokusai.core.models import Job
from hokusai.signers import services
from hokusai.signers.choices import KeyState
from hokusai.signers.models import SigningKey
from tests.hokusai.signers.keys import half_of, keep, new_key

pytestmark = pytest.mark.django_db


def rotate(purpose: str = "log") -> Job:
    job = services.request_rotation(purpose=purpose, actor=SYSTEM)
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


def test_the_new_key_is_introduced_and_the_old_one_ends_after_the_overlap(
    settings: Any, tmp_path: Path
) -> None:
    settings.KEY_OVERLAP_H = 48
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", new_key("ed25519"))}
    old = services.admit(signer=services.signer_for("log"))
    new = new_key("ed25519")
    keep(tmp_path / "key.pem", new)
    assert rotate().status == "succeeded"
    old.refresh_from_db()
    assert old.state_at(timezone.now()) == KeyState.RETIRING
    assert old.valid_until is not None
    assert timedelta(hours=47) < old.valid_until - timezone.now() <= timedelta(hours=48)
    row = services.admit(signer=services.signer_for("log"))
    assert row.key_id == half_of(new).key_id
    assert len(services.valid_keys("log")) == 2


def test_a_signer_that_holds_nothing_new_is_told_so(settings: Any, tmp_path: Path) -> None:
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", new_key("ed25519"))}
    services.admit(signer=services.signer_for("log"))
    job = rotate()
    assert job.status == "failed"
    assert "give it a new one" in job.last_error
    assert SigningKey.objects.get().retired_at is None


def test_a_process_that_holds_no_key_rotates_none(settings: Any) -> None:
    settings.SIGNERS = {}
    job = rotate("chain")
    assert job.status == "failed"
    assert "holds no key" in job.last_error


def test_keys_that_are_held_together_stay(settings: Any, tmp_path: Path) -> None:
    settings.SIGNERS = {"log": keep(tmp_path / "1.pem", new_key("ed25519"))}
    first = services.admit(signer=services.signer_for("log"))
    second = keep(tmp_path / "2.pem", new_key("ed25519"))
    settings.SIGNERS = {**settings.SIGNERS, "log:second": second}
    assert rotate().status == "succeeded"
    first.refresh_from_db()
    assert first.retired_at is None
    assert len(services.valid_keys("log")) == 2


def test_a_key_that_ends_sooner_keeps_its_end(settings: Any, tmp_path: Path) -> None:
    settings.SIGNERS = {"log": keep(tmp_path / "key.pem", new_key("ed25519"))}
    old = services.admit(signer=services.signer_for("log"))
    soon = timezone.now() + timedelta(hours=1)
    services.retire_key(key_id=old.key_id, valid_until=soon, actor=SYSTEM)
    keep(tmp_path / "key.pem", new_key("ed25519"))
    assert rotate().status == "succeeded"
    old.refresh_from_db()
    assert old.valid_until == soon


def test_the_command_asks_the_signer() -> None:
    said = StringIO()
    call_command("rotate_signing_key", "attestation", stdout=said)
    assert Job.objects.get(kind="key_rotation").public_id in said.getvalue()
    with pytest.raises(CommandError, match="under way"):
        call_command("rotate_signing_key", "attestation", stdout=said)
