import pytest
from django.db import transaction

from hokusai.core import outbox
from hokusai.core.canonical import parse_canonical
from hokusai.core.events import SYSTEM, record
from hokusai.core.models import Event
from hokusai.transparency.models import LogRecord
from hokusai.transparency.receivers import LogKeyEvents

pytestmark = pytest.mark.django_db
KEY = "key_" + "ab" * 32
AFTER = {
    "purpose": "attestation",
    "algorithm": "ed25519",
    "address": "",
    "valid_from": "2026-11-20T10:00:00+00:00",
    "valid_until": None,
    "retired_at": None,
    "compromised_from_index": None,
    "reason": "a secret of ours",
}


def happen(tag: str) -> Event:
    with transaction.atomic():
        return record(tag, subject=KEY, actor=SYSTEM, project_id=None, after=AFTER)


def test_key_events_are_logged_once_in_public_facts_and_follow_each_other() -> None:
    first, second = happen("key:introduced"), happen("key:compromised")
    for event in (first, second, first, second):
        LogKeyEvents().receive(event, operation_id=event.public_id)
    introduced, compromised = LogRecord.objects.order_by("id")
    statement = parse_canonical(introduced.statement.encode())
    assert statement["action"] == "introduced"
    assert statement["keyId"] == "ab" * 32
    assert "reason" not in statement
    assert (introduced.kind, introduced.subject) == ("key", KEY)
    assert compromised.previous == introduced.digest


@pytest.mark.django_db(transaction=True)
def test_the_outbox_brings_key_events_to_the_log(rung: list[str]) -> None:
    event = happen("key:retired")
    outbox.deliver(event.deliveries.get(subscriber__endswith="LogKeyEvents").stream)
    assert LogRecord.objects.get().kind == "key"
