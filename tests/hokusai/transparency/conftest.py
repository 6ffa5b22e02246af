"""A log that tests fill, and the roles that may and may not touch it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import connection, transaction

from hokusai.transparency import services, witnessing
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import (
    COSIGNATURE,
    NoteKey,
    cosignature_line,
    cosigned_bytes,
    opened,
)
from hokusai.transparency.algorithms.proofs import verify_consistency
from hokusai.transparency.models import LogRecord
from hokusai.transparency.providers.witness import WitnessBehind


def write(number: int = 1, kind: str = "attempt", **fields: Any) -> LogRecord:
    """A committed record, not yet sequenced."""
    with transaction.atomic():
        return services.append(kind, {"n": number}, subject=f"cmp_{number}", **fields)


OTHERS = """
SELECT pid, backend_xid::text FROM pg_stat_activity
WHERE datname <> current_database() AND backend_xid IS NOT NULL
"""


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequencing first waits for what runs in other databases of the cluster at this moment.

    The snapshot horizon is the cluster's: the transactions of another worker's tests delay seals.
    """
    plain = services.sequence

    def sequence(**options: Any) -> int:
        # A test inside a transaction seals nothing; two such tests would wait for each other.
        if not connection.in_atomic_block:
            _wait_for_others()
        return plain(**options)

    monkeypatch.setattr(services, "sequence", sequence)


def _wait_for_others() -> None:
    before = _others()
    deadline = time.monotonic() + 150
    while before & _others():
        assert time.monotonic() < deadline, "A transaction in another database does not end."
        time.sleep(0.05)


def _others() -> set[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        return set(cursor.fetchall())


@pytest.fixture
def filled() -> list[LogRecord]:
    """Seven sequenced records."""
    records = [write(number) for number in range(7)]
    services.sequence()
    return records


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were rung for, with no broker behind it."""
    tasks: list[str] = []
    monkeypatch.setattr("hokusai.core.doorbell.ring", lambda task, *_, **__: tasks.append(task))
    return tasks


@pytest.fixture
def log_secret(settings: Any, tmp_path: Path, rung: list[str]) -> Ed25519PrivateKey:
    """This process is the signer's and holds a key of the log."""
    secret = Ed25519PrivateKey.generate()
    pem = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "log_key.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    backend = "hokusai.signers.backends.pem.FileKey"
    settings.SIGNERS = {"log": {"BACKEND": backend, "OPTIONS": {"path": str(path)}}}
    return secret


class WitnessTwin:
    """A witness in memory: what it saw last, and cosignatures by its own key."""

    def __init__(self, number: int = 1) -> None:
        self.secret = Ed25519PrivateKey.generate()
        public = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = NoteKey(f"witness.example/w{number}", public, COSIGNATURE)
        self.url = f"http://127.0.0.1:9/w{number}"
        self.size, self.root = 0, b""
        self.answers: Callable[[str], str] | None = None

    @property
    def stated(self) -> dict[str, str]:
        return {"url": self.url, "key": str(self.key)}

    def add_checkpoint(self, *, old: int, proof: Sequence[bytes], note: str) -> str:
        text, _ = opened(note)
        found = CheckpointText.of(text)
        if old != self.size:
            raise WitnessBehind(self.size)
        if old:
            verify_consistency(
                first=old,
                second=found.size,
                first_root=self.root,
                second_root=found.root,
                proof=proof,
            )
        self.size, self.root = found.size, found.root
        if self.answers:
            return self.answers(text)
        return cosignature_line(self.key, NOW, self.secret.sign(cosigned_bytes(text, NOW)))


NOW = 1_795_163_845


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[[int], WitnessTwin]:
    """Makes witnesses of the policy, which answer without a network."""
    twins: dict[str, WitnessTwin] = {}

    def ask(url: str, *, timeout_s: float, **given: Any) -> str:
        return twins[url].add_checkpoint(**given)

    def make(number: int) -> WitnessTwin:
        made = WitnessTwin(number)
        twins[made.url] = made
        settings.WITNESSES = [*settings.WITNESSES, made.stated]
        return made

    monkeypatch.setattr(witnessing, "add_checkpoint", ask)
    return make
