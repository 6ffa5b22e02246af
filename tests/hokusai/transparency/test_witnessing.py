from collections.abc import Callable
from typing import Any

import pytest

from hokusai.core.models import Event
from hokusai.transparency import services
from hokusai.transparency.algorithms.notes import (
    cosignature_line,
    cosigned_bytes,
    opened,
    verified_text,
)
from hokusai.transparency.models import Checkpoint, Cosignature, LogRecord, Trouble
from hokusai.transparency.policy import log_keys, witnesses
from hokusai.transparency.reports import log_state
from hokusai.transparency.witnessing import cosign
from tests.hokusai.transparency.conftest import NOW, WitnessTwin, write

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("log_secret", "filled")]
Twin = Callable[[int], WitnessTwin]


def grow() -> None:
    write(99)
    services.sequence()
    assert services.sign_checkpoint()


def test_a_witness_cosigns_each_checkpoint_that_follows(twin: Twin) -> None:
    witness = twin(1)
    for _ in range(2):
        grow()
        assert services.publish_checkpoint()
    checkpoint = Checkpoint.objects.first()
    assert checkpoint is not None
    assert witness.size == checkpoint.size
    assert [each.seen_at.timestamp() for each in Cosignature.objects.all()] == [NOW, NOW]
    note = services.note_of(checkpoint)
    assert verified_text(note, log_keys())
    assert [line.name for line in opened(note)[1]] == ["local/development/log", witness.key.name]


def test_a_witness_is_asked_once_for_a_checkpoint(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = twin(1)
    grow()
    services.publish_checkpoint()
    monkeypatch.setattr(witness, "add_checkpoint", None)
    services.publish_checkpoint()
    assert not Trouble.objects.exists()


def test_a_witness_that_is_behind_is_met_where_it_stands(twin: Twin) -> None:
    witness = twin(1)
    grow()
    services.publish_checkpoint()
    Cosignature.objects.all().delete()
    grow()
    services.publish_checkpoint()
    assert Cosignature.objects.get().checkpoint_id == witness.size


def test_a_witness_that_saw_more_than_the_log_has_tells_that_it_shrank(twin: Twin) -> None:
    witness = twin(1)
    witness.size = 1000
    grow()
    services.publish_checkpoint()
    services.publish_checkpoint()
    assert "saw 1000 leaves" in Trouble.objects.get().message
    assert Event.objects.filter(tag="log:shrank").count() == 1


def test_a_newer_checkpoint_that_reached_the_witness_is_no_trouble(twin: Twin) -> None:
    witness = twin(1)
    grow()
    first = services.latest_checkpoint()
    grow()
    services.publish_checkpoint()
    assert first is not None
    cosign(first, witnesses()[0])
    Cosignature.objects.all().delete()
    cosign(first, witnesses()[0])
    assert not Cosignature.objects.exists()
    assert witness.size == first.size + 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda twin, text: "",
        lambda twin, text: "no line\n",
        lambda twin, text: cosignature_line(
            WitnessTwin().key, NOW, twin.secret.sign(cosigned_bytes(text, NOW))
        ),
        lambda twin, text: cosignature_line(twin.key, NOW, bytes(64)),
        lambda twin, text: cosignature_line(
            twin.key, NOW, twin.secret.sign(cosigned_bytes(text + "x\n", NOW))
        ),
        lambda twin, text: cosignature_line(
            twin.key, 2**50, twin.secret.sign(cosigned_bytes(text, 2**50))
        ),
    ],
)
def test_what_is_no_cosignature_is_not_kept(twin: Twin, wrong: Any) -> None:
    witness = twin(1)
    witness.answers = lambda text: wrong(witness, text)
    grow()
    services.publish_checkpoint()
    assert not Cosignature.objects.exists()
    assert Trouble.objects.filter(source="witness witness.example/w1").exists()


def test_lines_of_others_beside_its_own_are_ignored(twin: Twin) -> None:
    witness = twin(1)
    other = cosignature_line(WitnessTwin(2).key, NOW, bytes(64))
    witness.answers = lambda text: (
        other + cosignature_line(witness.key, NOW, witness.secret.sign(cosigned_bytes(text, NOW)))
    )
    grow()
    services.publish_checkpoint()
    assert Cosignature.objects.get().line.startswith(f"\u2014 {witness.key.name} ")


def test_the_policy_says_how_many_are_needed(twin: Twin, settings: Any) -> None:
    first, second, third = twin(1), twin(2), twin(3)
    settings.WITNESS_THRESHOLD = 2
    grow()
    assert not log_state().witnessed
    assert services.witnessed_checkpoint() is None
    services.publish_checkpoint()
    good = services.latest_checkpoint()
    assert log_state().witnessed
    assert services.witnessed_checkpoint() == good
    # A later one that only one witness cosigned does not count yet.
    settings.WITNESSES = [third.stated]
    settings.WITNESS_THRESHOLD = 1
    grow()
    services.publish_checkpoint()
    settings.WITNESSES = [*settings.WITNESSES, first.stated, second.stated]
    settings.WITNESS_THRESHOLD = 2
    assert (log_state().cosigned, log_state().witnessed) == (1, False)


def test_a_log_without_a_checkpoint_asks_nobody(twin: Twin) -> None:
    witness = twin(1)
    assert services.publish_checkpoint()
    assert witness.size == 0


def test_records_of_the_world_are_there(filled: list[LogRecord]) -> None:
    state = log_state()
    assert (state.size, state.pending, state.checkpoint) == (7, 0, None)
    write(50)
    assert log_state().pending == 1
