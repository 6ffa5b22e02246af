"""Keys of the table that this app's replaced come along, and go back."""

from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from tests.hokusai.signers.keys import half_of, new_key

pytestmark = pytest.mark.django_db
NAME = "0003_keys_to_signers"
MOVE = import_module(f"contributions.migrations.{NAME}")


@pytest.fixture
def apps() -> Any:
    """The models as they were, and the table that is gone, for the length of the test."""
    found = MigrationLoader(connection).project_state(("contributions", NAME)).apps
    with connection.schema_editor() as editor:
        editor.create_model(found.get_model("contributions", "SigningKey"))
    return found


def test_keys_come_along_and_go_back(apps: Any) -> None:
    old = apps.get_model("contributions", "SigningKey")
    new = apps.get_model("signers", "SigningKey")
    halves = [half_of(new_key("ed25519")) for _ in range(2)]
    at = timezone.now()
    for half, revoked_at in zip(halves, (None, at), strict=True):
        old.objects.create(
            key_id=half.key_id, public_pem=half.public_pem, valid_from=at, revoked_at=revoked_at
        )
    MOVE.hand_over(apps, None)
    live, revoked = (new.objects.get(key_id=half.key_id) for half in halves)
    assert (live.public_pem, live.valid_from) == (halves[0].public_pem, at)
    assert (live.algorithm, live.purpose, live.compromised_at) == ("ed25519", "attestation", None)
    assert (revoked.compromised_at, revoked.compromised_from_index) == (at, 0)
    old.objects.all().delete()
    MOVE.take_back(apps, None)
    kept = dict(old.objects.values_list("key_id", "revoked_at"))
    assert kept == {halves[0].key_id: None, halves[1].key_id: at}
    assert not new.objects.exists()
