from collections.abc import Callable

import pytest

from hokusai.accounts.models import Project
from hokusai.core.events import Actor
from hokusai.core.models import Job
from hokusai.storage import uploads
from hokusai.storage.multipart.memory import MemoryUploads
from registry import services
from registry.services import FileStatement

pytestmark = pytest.mark.django_db


def test_what_was_sent_is_removed_with_the_upload_and_twice_is_once(
    project: Project, actor: Actor, run_job: Callable[[str], Job]
) -> None:
    store = uploads["default"]
    assert isinstance(store, MemoryUploads)
    before = dict(store.open)
    files = [FileStatement("a.bin", 1, "0" * 64), FileStatement("b.bin", 1, "0" * 64)]
    upload = services.start_upload(project=project, files=files, actor=actor)
    services.abort_upload(upload_id=upload.pk, actor=actor)
    for _ in range(2):
        job = run_job(upload.public_id)
        assert job.status == "succeeded"
        Job.objects.filter(pk=job.pk).update(status="queued")
    assert store.open == before
