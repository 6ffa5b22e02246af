from pathlib import Path
from typing import Any

import pytest

from hokusai.transparency import services
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.models import Checkpoint, LogLeaf, Trouble
from hokusai.transparency.publishing import published
from tests.hokusai.transparency.conftest import write

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("log_secret", "filled")]


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    """Where the checkpoint is published; a first one is signed."""
    path = tmp_path / "public" / "checkpoint"
    settings.CHECKPOINT_PUBLISH = str(path)
    assert services.sign_checkpoint()
    return path


def grow() -> None:
    write(9)
    services.sequence()
    assert services.sign_checkpoint()


def test_the_latest_checkpoint_is_published_as_its_note(place: Path) -> None:
    assert published() is None
    assert services.publish_checkpoint()
    latest = services.latest_checkpoint()
    assert latest is not None
    assert place.read_text() == services.note_of(latest)
    assert published() == CheckpointText.of("".join(latest.note.splitlines(keepends=True)[:3]))
    assert list(place.parent.iterdir()) == [place]


def test_a_later_checkpoint_replaces_it(place: Path) -> None:
    services.publish_checkpoint()
    grow()
    services.publish_checkpoint()
    found = published()
    assert found is not None
    assert found.size == Checkpoint.objects.latest("size").size > 7


def test_a_larger_tree_that_is_published_is_not_replaced(place: Path) -> None:
    grow()
    services.publish_checkpoint()
    before = place.read_text()
    Checkpoint.objects.filter(size__gt=7).delete()
    assert not services.publish_checkpoint()
    assert "is published" in Trouble.objects.get(source="publishing").message
    assert place.read_text() == before


def test_another_tree_that_is_published_is_not_replaced(place: Path) -> None:
    services.publish_checkpoint()
    grow()
    LogLeaf.objects.filter(index=6).update(leaf_hash=bytes(32))
    assert not services.publish_checkpoint()
    assert "Another tree" in Trouble.objects.get(source="publishing").message


def test_what_is_not_of_this_log_is_replaced(place: Path) -> None:
    place.parent.mkdir()
    place.write_text("something else")
    assert published() is None
    assert services.publish_checkpoint()
    assert published() is not None


def test_a_place_that_cannot_be_written_is_a_trouble(place: Path) -> None:
    place.mkdir(parents=True)
    assert not services.publish_checkpoint()
    assert Trouble.objects.get().source == "publishing"
