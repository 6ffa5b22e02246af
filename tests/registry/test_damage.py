import pytest

from hokusai.core.models import Event
from hokusai.storage import stores
from hokusai.storage.base import ContentDamaged
from hokusai.storage.memory import MemoryStore
from registry.tables import read_rows
from tests.factories import DatasetVersionFactory

pytestmark = pytest.mark.django_db
ROWS = b"x,label\n1,0\n2,1\n"


def test_a_table_whose_bytes_changed_is_refused_and_that_is_on_record() -> None:
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    version = DatasetVersionFactory(file_digest=store.put(ROWS), file_format="csv")
    assert read_rows(version).row_count == 2
    store.blobs[version.file_digest] = ROWS.replace(b"1", b"9")
    with pytest.raises(ContentDamaged):
        read_rows(version)
    event = Event.objects.get(tag="content:damaged")
    assert (event.subject, event.project_id) == (version.public_id, version.project.pk)


def test_a_sound_read_leaves_no_record() -> None:
    version = DatasetVersionFactory(file_digest=stores["default"].put(ROWS), file_format="csv")
    read_rows(version)
    assert not Event.objects.filter(tag="content:damaged").exists()
