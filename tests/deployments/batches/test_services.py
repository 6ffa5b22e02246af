from typing import Any

import pytest

from deployments.batches import services
from deployments.batches.exceptions import NoResult, VersionUnusable
from deployments.models import BatchPrediction
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.models import DatasetVersion, ModelVersion
from tests import factories as make
from tests.deployments.conftest import Doorbell

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return make.ModelVersionFactory()


@pytest.fixture
def actor() -> Any:
    return actor_of(make.UserFactory())


def table_of(version: ModelVersion, **fields: Any) -> DatasetVersion:
    """A table of the version's project."""
    return make.DatasetVersionFactory(dataset__project=version.project, **fields)


def asked(version: ModelVersion, actor: Any, **options: Any) -> BatchPrediction:
    return services.request_batch(
        version=version,
        actor=actor,
        source=table_of(version),
        options=services.BatchOptions(**options),
    )


def test_a_batch_names_what_it_was_asked_with(version: ModelVersion, actor: Any) -> None:
    source = table_of(version, id_column="station")
    batch = services.request_batch(version=version, actor=actor, source=source)
    assert (batch.digest, batch.file_digest) == (version.tree_digest, source.file_digest)
    assert (batch.id_column, batch.on_error, batch.status) == ("station", "fail", "queued")
    assert batch.job is not None
    assert batch.job.subject == batch.public_id


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"state": "received"}, Conflict),
        ({"state": "refused"}, Conflict),
        ({"access": "stewards"}, Forbidden),
    ],
)
def test_only_usable_tables_of_members_are_taken(
    version: ModelVersion, actor: Any, fields: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        services.request_batch(version=version, actor=actor, source=table_of(version, **fields))


def test_a_table_of_another_project_is_refused(version: ModelVersion, actor: Any) -> None:
    with pytest.raises(InvalidInput, match="another project"):
        services.request_batch(version=version, actor=actor, source=make.DatasetVersionFactory())


@pytest.mark.parametrize(
    "fields", [{"stage": "archived"}, {"artifact_state": "pending", "tree_digest": ""}]
)
def test_a_version_that_cannot_be_loaded_or_was_archived_answers_nothing(
    actor: Any, fields: dict[str, str]
) -> None:
    with pytest.raises(VersionUnusable):
        asked(make.ModelVersionFactory(**fields), actor)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "empty"), (b"x" * 11, "larger")],
)
def test_files_that_cannot_be_taken_are_refused_at_once(
    version: ModelVersion, actor: Any, settings: Any, content: bytes, told: str
) -> None:
    settings.MAX_TABLE_BYTES = 10
    given = services.UploadedTable("rows", "csv", content)
    with pytest.raises(InvalidInput, match=told):
        services.request_batch(version=version, actor=actor, source=given)


def test_an_unknown_format_is_refused(version: ModelVersion, actor: Any) -> None:
    with pytest.raises(InvalidInput, match="Tables come as"):
        services.request_batch(
            version=version, actor=actor, source=services.UploadedTable("rows", "xlsx", b"x")
        )


def test_the_platform_itself_asks_for_no_batch(version: ModelVersion) -> None:
    with pytest.raises(Forbidden):
        asked(version, SYSTEM)


def test_cancelling_twice_is_a_conflict(
    version: ModelVersion, actor: Any, doorbell: Doorbell, django_capture_on_commit_callbacks: Any
) -> None:
    batch = asked(version, actor)
    with django_capture_on_commit_callbacks(execute=True):
        services.cancel_batch(batch_id=batch.pk, actor=actor)
    assert doorbell.of("deployments.end_batch") == [batch.public_id]
    with pytest.raises(InvalidTransition):
        services.cancel_batch(batch_id=batch.pk, actor=actor)


def test_resuming_a_batch_that_goes_on_is_a_conflict(version: ModelVersion, actor: Any) -> None:
    with pytest.raises(InvalidTransition):
        services.resume_batch(batch_id=asked(version, actor).pk, actor=actor)


def test_a_resumed_batch_goes_on_with_what_is_missing(version: ModelVersion, actor: Any) -> None:
    batch = make.BatchPredictionFactory(
        version=version, status="failed", error="no", row_count=3000
    )
    done = make.BatchChunkFactory(batch=batch, status="done")
    left = [make.BatchChunkFactory(batch=batch, status=status) for status in ("asked", "pending")]
    resumed = services.resume_batch(batch_id=batch.pk, actor=actor)
    assert (resumed.status, resumed.error) == ("running", "")
    subjects = Job.objects.filter(kind="batch_chunk").values_list("subject", flat=True)
    assert set(subjects) == {chunk.public_id for chunk in left}
    assert done.public_id not in subjects


def test_where_only_the_last_step_is_missing_it_is_taken(version: ModelVersion, actor: Any) -> None:
    batch = make.BatchPredictionFactory(version=version, status="cancelled")
    make.BatchChunkFactory(batch=batch, status="done")
    services.resume_batch(batch_id=batch.pk, actor=actor)
    assert Job.objects.get().kind == "batch_prediction"


def test_what_was_forgotten_is_not_resumed(version: ModelVersion, actor: Any) -> None:
    batch = make.BatchPredictionFactory(
        version=version, status="failed", forgotten_at="2026-01-01T00:00:00Z"
    )
    with pytest.raises(Conflict, match="forgotten"):
        services.resume_batch(batch_id=batch.pk, actor=actor)


def test_there_is_no_result_before_the_end(version: ModelVersion, actor: Any) -> None:
    with pytest.raises(NoResult):
        services.open_result(batch_id=asked(version, actor).pk, actor=actor)


def test_fetching_the_result_is_on_record(version: ModelVersion, actor: Any) -> None:
    batch = make.BatchPredictionFactory(
        version=version, status="succeeded", output_digest="a" * 64, output_bytes=9
    )
    found = services.open_result(batch_id=batch.pk, actor=actor)
    assert (found.sha256, found.size_bytes) == ("a" * 64, 9)
    assert found.path.endswith(".parquet")
    assert Event.objects.filter(tag="batch:downloaded", subject=batch.public_id).exists()
