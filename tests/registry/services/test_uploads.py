from datetime import timedelta

import pytest
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict, DomainError, Forbidden, InvalidInput, InvalidTransition
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event, Job
from hokusai.storage import uploads
from hokusai.storage.multipart.memory import MemoryUploads
from registry import services
from registry.choices import UploadState
from registry.exceptions import ArtifactRefused
from registry.models import Upload
from registry.services import FileStatement
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db
FILE = FileStatement("model.bin", 3, "0" * 64)


@pytest.fixture
def upload(project: Project, actor: Actor) -> Upload:
    return services.start_upload(project=project, files=[FILE], actor=actor)


def test_a_new_upload_opens_the_store_for_each_file(upload: Upload) -> None:
    row = upload.files.get()
    store = uploads["default"]
    assert isinstance(store, MemoryUploads)
    assert store.open[row.storage_upload].key == row.storage_key
    assert (upload.state, row.part_bytes) == (UploadState.OPEN, 8 * 2**20)
    assert Event.objects.get(tag="upload:started").after["size_bytes"] == 3


@pytest.mark.parametrize(
    "files",
    [
        [],
        [FILE] * 2,
        [FILE, FileStatement("MODEL.bin", 1, "0" * 64)],
        [FileStatement("../model.bin", 1, "0" * 64)],
        [FileStatement("/model.bin", 1, "0" * 64)],
        [FileStatement("model.bin", 51 * 2**30, "0" * 64)],
        [FileStatement(f"{n}", 1, "0" * 64) for n in range(2001)],
    ],
    ids=["none", "twice", "case", "leaves", "absolute", "huge", "many"],
)
def test_files_that_cannot_be_one_artifact_are_refused(
    files: list[FileStatement], project: Project, actor: Actor
) -> None:
    with pytest.raises(InvalidInput):
        services.start_upload(project=project, files=files, actor=actor)
    assert not Upload.objects.exists()


def test_six_gigabytes_come_in_parts(project: Project, actor: Actor) -> None:
    file = FileStatement("model.bin", 6 * 2**30, "0" * 64)
    row = services.start_upload(project=project, files=[file], actor=actor).files.get()
    assert len(services.part_links(row, range(1, 4))) == 3
    assert row.part_bytes * 1000 >= file.size_bytes


def test_an_upload_is_started_by_a_person(project: Project) -> None:
    with pytest.raises(Forbidden):
        services.start_upload(project=project, files=[FILE], actor=SYSTEM)


def test_a_completed_upload_takes_no_more_parts(upload: Upload, actor: Actor) -> None:
    services.complete_upload(upload_id=upload.pk, actor=actor)
    upload.refresh_from_db()
    with pytest.raises(Conflict):
        services.part_links(upload.files.get(), [1])
    with pytest.raises(InvalidTransition):
        services.complete_upload(upload_id=upload.pk, actor=actor)


def test_an_upload_that_is_given_up_is_removed_by_a_job(upload: Upload, actor: Actor) -> None:
    services.abort_upload(upload_id=upload.pk, actor=actor)
    assert Job.objects.get(subject=upload.public_id).kind == "upload_removal"
    with pytest.raises(InvalidTransition):
        services.complete_upload(upload_id=upload.pk, actor=actor)


def test_what_nobody_completed_in_time_is_given_up(upload: Upload, actor: Actor) -> None:
    assert services.abort_expired() == 0
    Upload.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(Conflict):
        services.complete_upload(upload_id=upload.pk, actor=actor)
    assert services.abort_expired() == 1
    assert Upload.objects.get().state == UploadState.ABORTED


def test_an_upload_is_used_once_in_its_own_project_when_completed(
    upload: Upload, project: Project, actor: Actor
) -> None:
    source = f"upload:/{upload.public_id}"
    fields = {"slug": "digits", "source": source, "actor": actor}
    with pytest.raises(ArtifactRefused, match="not completed"):
        services.register_version(project=project, **fields)
    services.complete_upload(upload_id=upload.pk, actor=actor)
    with pytest.raises(ArtifactRefused, match="no such upload"):
        services.register_version(project=ProjectFactory(), **fields)
    services.register_version(project=project, **fields)
    with pytest.raises(DomainError):
        services.register_version(project=project, **{**fields, "slug": "other"})
