"""Signers in processes of their own, each with its own key and nothing but the rows."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from contributions.attesting import ask_for_attestation
from contributions.models import Attestation, Improvement
from contributions.signing_policies import set_signing_policy
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.models import Event, Job
from hokusai.signers.algorithms import dsse
from hokusai.signers.models import SigningKey
from hokusai.storage import stores
from hokusai.transparency.models import LogRecord
from tests.contributions.deciding import credited, decided
from tests.contributions.signers import KEY, OTHER, key_file, public_pem, signers
from tests.factories import UserFactory
from tests.measuring import HELD_OUT, bench, table, work
from tests.programs import python
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
ROWS = slice(HELD_OUT.start, HELD_OUT.start + 100)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else does the work of these tests."""
    monkeypatch.setattr("hokusai.core.doorbell.ring", lambda *ring, **queue: None)


@pytest.fixture
def improvement(settings: Settings, tmp_path: Path) -> Improvement:
    """One whose rows and outcomes other processes can read."""
    settings.CONTENT_STORES = {
        "default": {
            "BACKEND": "hokusai.storage.local.LocalStore",
            "OPTIONS": {"root": str(tmp_path / "store")},
        }
    }
    settings.SIGNERS = signers(tmp_path, attestation=KEY)
    stores.forget()
    return credited(decided(bench(table(ROWS))))


def process(folder: Path, *arguments: str, name: str = "second") -> "subprocess.Popen[str]":
    """`manage.py …` on this test's database, with the other key in its environment alone."""
    base = configured.DATABASES["default"]
    host = f"{base['HOST']}:{base['PORT']}"
    database = connection.settings_dict["NAME"]
    url = f"postgresql://{base['USER']}:{base['PASSWORD']}@{host}/{database}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "hokusai.settings.local",
        "DATABASE_URL": url,
        "CONTENT_STORE_ROOT": str(folder / "store"),
        "SIGNING_KEY_FILE": str(key_file(folder, name, OTHER)),
    }
    return subprocess.Popen(
        python("manage.py", *arguments),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ask_for_two(improvement: Improvement) -> None:
    names = [dsse.key_id(key.public_key()) for key in (KEY, OTHER)]
    for name, key in zip(names, (KEY, OTHER), strict=True):
        SigningKey.objects.create(key_id=name, public_pem=public_pem(key))
    set_signing_policy(
        project=improvement.project,
        required=2,
        key_ids=names,
        actor=actor_of(UserFactory()),
    )


def test_a_second_process_with_its_own_key_completes_an_attestation(
    improvement: Improvement, tmp_path: Path
) -> None:
    ask_for_two(improvement)
    assert work(improvement.attestation.job).status == "succeeded"
    assert Attestation.objects.get().status == "pending"
    second = process(tmp_path, "cosign_attestations")
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert "signed; complete" in said
    done = Attestation.objects.get()
    keys = [KEY.public_key(), OTHER.public_key()]
    assert dsse.verify_with_library(done.envelope, keys, 2) == {dsse.key_id(key) for key in keys}
    assert (done.status, LogRecord.objects.filter(kind="attestation").count()) == ("signed", 1)


def test_a_process_without_a_key_cosigns_nothing(settings: Settings) -> None:
    settings.SIGNERS = {}
    with pytest.raises(CommandError, match="holds no key"):
        call_command("cosign_attestations")


def test_a_signer_killed_in_the_middle_is_followed_by_one_attestation(
    improvement: Improvement, tmp_path: Path, settings: Settings
) -> None:
    job = improvement.attestation.job
    assert job is not None
    code = (
        "import time, contributions.signing as s; from hokusai.core import jobs;"
        "s.signed_once = lambda *a: print('here', flush=True) or time.sleep(600);"
        f"jobs.run({job.pk})"
    )
    first = process(tmp_path, "shell", "-c", code)
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("here"):
            break
    first.send_signal(signal.SIGKILL)
    first.wait(60)
    settings.LEASE_S = 600.0
    Job.objects.filter(pk=job.pk).update(lease_expires_at="2026-01-01T00:00:00Z")
    # The dead signer's key came first; this one is introduced as the next would be.
    SigningKey.objects.create(key_id=dsse.key_id(KEY.public_key()), public_pem=public_pem(KEY))
    again = work(Job.objects.get(pk=job.pk))
    assert again.status == "succeeded", again.last_error
    assert Attestation.objects.get().status == "signed"
    assert LogRecord.objects.filter(kind="attestation").count() == 1
    assert Event.objects.filter(tag="attestation:signed").count() == 1


def test_signers_at_once_make_one_attestation(improvement: Improvement, settings: Settings) -> None:
    job = improvement.attestation.job
    assert job is not None
    settings.LEASE_S = 600.0
    asking = [lambda: ask_for_attestation(improvement)] * 2
    answers = race(*[lambda: jobs.run(job.pk)] * 3, *asking)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert Attestation.objects.get().status == "signed"
    assert LogRecord.objects.filter(kind="attestation").count() == 1
    assert Job.objects.filter(kind="attestation").count() == 1
