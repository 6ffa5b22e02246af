import pytest
from django.db import connection

from hokusai.core.models import Event
from hokusai.signers.models import SigningKey
from hokusai.transparency import services
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import verified_text
from hokusai.transparency.leaves import root_of_size
from hokusai.transparency.models import Checkpoint, LogLeaf, LogRecord, Trouble
from hokusai.transparency.policy import log_keys
from tests.hokusai.transparency.conftest import write

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(filled: list[LogRecord], log_secret: object) -> Checkpoint:
    """A checkpoint over seven records."""
    assert services.sign_checkpoint()
    return Checkpoint.objects.get()


def tamper(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_checkpoint_states_size_and_root_and_is_signed_by_the_logs_key(
    signed: Checkpoint,
) -> None:
    text = CheckpointText.of(verified_text(services.note_of(signed), log_keys()))
    assert (text.origin, text.size) == ("local/development/log", 7)
    assert text.root == root_of_size(7) == bytes.fromhex(signed.root)
    assert signed.key_id == SigningKey.objects.get(purpose="log").key_id
    assert services.latest_checkpoint() == signed


@pytest.mark.usefixtures("log_secret")
def test_an_empty_log_has_no_checkpoint() -> None:
    assert services.sign_checkpoint()
    assert services.latest_checkpoint() is None


def test_a_tree_that_did_not_grow_is_not_signed_again(signed: Checkpoint) -> None:
    assert services.sign_checkpoint()
    assert list(Checkpoint.objects.all()) == [signed]


@pytest.mark.django_db(transaction=True)
def test_signing_itself_makes_the_tree_grow_once_at_most(
    signed: Checkpoint, rung: list[str]
) -> None:
    # The first signature introduces the key, which is an event, and events are sealed.
    for _ in range(3):
        services.sequence()
        assert services.sign_checkpoint()
    assert Checkpoint.objects.count() == 2
    assert rung.count("transparency.publish") == 2


@pytest.mark.usefixtures("filled")
def test_a_process_without_the_key_signs_nothing_and_says_so() -> None:
    assert not services.sign_checkpoint()
    assert "holds no key" in Trouble.objects.get(source="signing").message
    assert not Checkpoint.objects.exists()


def test_a_trouble_is_gone_once_it_works_again(signed: Checkpoint) -> None:
    Trouble.objects.create(source="signing", message="was wrong")
    assert services.sign_checkpoint()
    assert not Trouble.objects.exists()


def test_a_log_that_shrank_is_refused_once_in_words(signed: Checkpoint) -> None:
    tamper("DELETE FROM transparency_logleaf WHERE index = 6")
    for _ in range(2):
        assert not services.sign_checkpoint()
    assert "6 leaves" in Trouble.objects.get(source="signing").message
    assert Event.objects.filter(tag="log:shrank").count() == 1
    assert Checkpoint.objects.count() == 1


def test_a_log_with_another_past_is_refused_also_when_it_grew(signed: Checkpoint) -> None:
    write(8)
    services.sequence()
    LogLeaf.objects.filter(index=6).update(leaf_hash=bytes(32))
    assert not services.sign_checkpoint()
    assert "does not begin" in Trouble.objects.get(source="signing").message
    assert Checkpoint.objects.count() == 1


def test_a_node_changed_under_the_last_checkpoint_is_refused(signed: Checkpoint) -> None:
    write(8)
    services.sequence()
    tamper("UPDATE transparency_lognode SET hash = '\\x00' WHERE level = 2 AND index = 0")
    assert not services.sign_checkpoint()
    tamper("DELETE FROM transparency_lognode WHERE level = 2 AND index = 0")
    tamper("DELETE FROM transparency_logleaf WHERE index = 7")
    assert not services.sign_checkpoint()
    assert "missing" in Trouble.objects.get(source="signing").message


def test_what_is_published_binds_also_when_the_database_forgot(
    signed: Checkpoint, settings: object, tmp_path: object
) -> None:
    settings.CHECKPOINT_PUBLISH = f"{tmp_path}/checkpoint"  # type: ignore[attr-defined]
    assert services.publish_checkpoint()
    # A restored backup: leaves and checkpoint of later are gone.
    Checkpoint.objects.all().delete()
    LogLeaf.objects.filter(index__gte=5).delete()
    assert not services.sign_checkpoint()
    assert "states 7" in Trouble.objects.get(source="signing").message
    assert not Checkpoint.objects.exists()
