"""Copies from uploads and from the Hub, through the job that a worker runs."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hokusai.accounts.models import Project
from hokusai.core.events import Actor
from hokusai.core.models import Job
from hokusai.storage import stores, uploads
from hokusai.storage.multipart.memory import MemoryUploads
from registry import fetching, services
from registry.choices import ArtifactState, UploadState
from registry.models import ModelVersion, Upload
from registry.providers import hubs
from registry.providers.memory import MemoryHub
from registry.services import FileStatement
from tests.registry.conftest import MLMODEL

pytestmark = pytest.mark.django_db
RunJob = Callable[[str], Job]
FILES = {"MLmodel": MLMODEL.encode(), "data/model.bin": b"weights" * 100}
REVISION = "c" * 40


@pytest.fixture(autouse=True)
def staging(settings: object, tmp_path: Path) -> Path:
    settings.ARTIFACT_STAGING = tmp_path / "staging"  # type: ignore[attr-defined]
    return tmp_path / "staging"


@pytest.fixture
def store() -> MemoryUploads:
    found = uploads["default"]
    assert isinstance(found, MemoryUploads)
    return found


@pytest.fixture
def hub(settings: object) -> Iterator[MemoryHub]:
    settings.MODEL_HUBS = {"default": {"BACKEND": "registry.providers.memory.MemoryHub"}}  # type: ignore[attr-defined]
    hubs.forget()
    found = hubs["default"]
    assert isinstance(found, MemoryHub)
    yield found
    hubs.forget()


def stated(files: dict[str, bytes]) -> list[FileStatement]:
    return [
        FileStatement(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    ]


def send(upload: Upload, files: dict[str, bytes], store: MemoryUploads) -> None:
    for row in upload.files.all():
        for link in services.part_links(row, [1]):
            store.receive(str(link["url"]), files[row.path])


def uploaded(project: Project, actor: Actor, store: MemoryUploads) -> Upload:
    upload = services.start_upload(project=project, files=stated(FILES), actor=actor)
    send(upload, FILES, store)
    return services.complete_upload(upload_id=upload.pk, actor=actor)


def register(project: Project, actor: Actor, source: str) -> ModelVersion:
    return services.register_version(project=project, slug="digits", source=source, actor=actor)


def fresh(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.get(pk=version.pk)


def test_uploaded_files_become_the_version(
    project: Project, actor: Actor, store: MemoryUploads, run_job: RunJob, staging: Path
) -> None:
    upload = uploaded(project, actor, store)
    version = register(project, actor, f"upload:/{upload.public_id}")
    assert run_job(version.public_id).status == "succeeded"
    version = fresh(version)
    assert version.artifact_state == ArtifactState.READY
    assert {
        file.path: stores["default"].read_file(version.tree_digest, file.path)
        for file in stores["default"].manifest(version.tree_digest).files
    } == FILES
    assert not list(staging.iterdir())
    assert Upload.objects.get().state == UploadState.USED
    assert run_job(upload.public_id).status == "succeeded"
    assert (store.open, store.objects) == ({}, {})


@pytest.mark.parametrize(
    ("content", "reason"), [(b"weights", "are missing"), (b"another" * 100, "sha256 differ")]
)
def test_files_that_differ_from_what_was_stated_are_refused(
    content: bytes, reason: str, project: Project, actor: Actor, run_job: RunJob
) -> None:
    store = uploads["default"]
    assert isinstance(store, MemoryUploads)
    upload = services.start_upload(project=project, files=stated(FILES), actor=actor)
    send(upload, {**FILES, "data/model.bin": content}, store)
    services.complete_upload(upload_id=upload.pk, actor=actor)
    version = register(project, actor, f"upload:/{upload.public_id}")
    assert run_job(version.public_id).status == "failed"
    assert reason in fresh(version).artifact_error
    assert not fetching.settings.ARTIFACT_STAGING.joinpath(version.public_id).exists()


def test_a_second_worker_goes_on_with_what_the_first_one_brought(
    project: Project, actor: Actor, store: MemoryUploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploaded(project, actor, store)
    version = register(project, actor, f"upload:/{upload.public_id}")
    folder = fetching.settings.ARTIFACT_STAGING / version.public_id
    fetching.fetch(version, folder, lambda percent, note: None)
    asked: list[str] = []
    monkeypatch.setattr(store, "download", lambda key, target: asked.append(key))
    again = fetching.fetch(version, folder, lambda percent, note: None)
    assert asked == []
    assert (again.files / "data/model.bin").read_bytes() == FILES["data/model.bin"]


def test_a_repository_at_a_commit_becomes_the_version(
    project: Project, actor: Actor, hub: MemoryHub, run_job: RunJob
) -> None:
    hub.repositories["tides/forecast", REVISION] = {
        "README.md": b"---\nlicense: mit\n---\n# Tides\n",
        "model.onnx": b"no protobuf",
    }
    version = register(project, actor, f"hf:/tides/forecast@{REVISION}")
    assert run_job(version.public_id).status == "succeeded"
    version = fresh(version)
    assert (version.artifact_state, version.flavor) == (ArtifactState.READY, "onnx")
    assert "# Tides" in version.card


def test_a_repository_that_is_gone_fails_and_one_that_is_down_waits(
    project: Project, actor: Actor, hub: MemoryHub, run_job: RunJob
) -> None:
    version = register(project, actor, f"hf:/tides/forecast@{REVISION}")
    hub.down = True
    assert run_job(version.public_id).status == "queued"
    hub.down = False
    Job.objects.update(run_after="2020-01-01T00:00:00Z")
    assert run_job(version.public_id).status == "failed"
    assert "There is no tides/forecast" in fresh(version).artifact_error


def test_an_artifact_above_the_limit_is_refused_before_it_is_fetched(
    project: Project, actor: Actor, hub: MemoryHub, run_job: RunJob, settings: object
) -> None:
    settings.MAX_ARTIFACT_BYTES = 10  # type: ignore[attr-defined]
    hub.repositories["tides/forecast", REVISION] = {"model.onnx": b"more than ten bytes"}
    version = register(project, actor, f"hf:/tides/forecast@{REVISION}")
    assert run_job(version.public_id).status == "failed"
    assert "larger than" in fresh(version).artifact_error


def test_a_full_disk_lets_the_copy_wait(
    project: Project, actor: Actor, hub: MemoryHub, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = fetching.shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage)
    hub.repositories["tides/forecast", REVISION] = {"model.onnx": b"bytes"}
    version = register(project, actor, f"hf:/tides/forecast@{REVISION}")
    job = run_job(version.public_id)
    assert (job.status, "no room" in job.last_error) == ("queued", True)


def test_a_path_that_leaves_the_folder_is_refused(
    project: Project, actor: Actor, hub: MemoryHub, run_job: RunJob, staging: Path
) -> None:
    hub.repositories["tides/forecast", REVISION] = {"../../out.onnx": b"bytes"}
    version = register(project, actor, f"hf:/tides/forecast@{REVISION}")
    assert run_job(version.public_id).status == "failed"
    assert "no path inside" in fresh(version).artifact_error
    assert not list(staging.parent.rglob("out.onnx"))
