from collections.abc import Callable

import pytest

from hokusai.accounts.models import Project
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event, Job
from hokusai.core.services import cancel_job, retry_job
from hokusai.storage import stores
from registry import services
from registry.algorithms.rows import digest_rows
from registry.choices import DatasetState
from registry.models import DatasetVersion, RowDigest
from registry.services import read_rows, schema_of
from tests.factories import DatasetFactory

pytestmark = pytest.mark.django_db
RunJob = Callable[[str], Job]
Add = Callable[..., DatasetVersion]
ROWS = b"id,x,label\na,1.5,0\nb,2.5,1\nc,1.5,0\n"


@pytest.fixture
def add(project: Project, actor: Actor) -> Add:
    """Adds a table to a dataset of the project."""

    def make(content: bytes = ROWS, **fields: object) -> DatasetVersion:
        given = {"file_format": "csv", "label_column": "label", "id_column": "id", **fields}
        return services.add_dataset_version(
            dataset=DatasetFactory(project=project), content=content, actor=actor, **given
        )

    return make


def fresh(version: DatasetVersion) -> DatasetVersion:
    return DatasetVersion.objects.get(pk=version.pk)


def test_a_table_becomes_usable_with_digests_of_its_rows(add: Add, run_job: RunJob) -> None:
    version = add()
    assert run_job(version.public_id).status == "succeeded"
    version = fresh(version)
    assert (version.state, version.row_count) == (DatasetState.USABLE, 3)
    assert [column["name"] for column in version.columns] == ["id", "x", "label"]
    expected = digest_rows(read_rows(version).columns, schema_of(version))
    assert version.rows_digest == expected.root
    kept = RowDigest.objects.filter(dataset_version=version).order_by("id")
    assert [bytes(row.row) for row in kept] == list(expected.rows)
    assert [bytes(row.inputs) for row in kept] == list(expected.inputs)
    assert Event.objects.get(tag="dataset-version:usable").after["rows"] == 3


@pytest.mark.parametrize(
    ("content", "fields", "reason"),
    [
        (ROWS, {"label_column": "target"}, "label column 'target'"),
        (ROWS, {"id_column": "key"}, "id column 'key'"),
        (b"x,x\n1,2\n", {}, "x"),
        (b"x,label\n1,0\n1\n", {}, "row 2"),
        (b"\x00\xff\xfe", {}, ""),
    ],
    ids=["no label", "no id", "repeated name", "ragged", "no text"],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_reason(
    content: bytes, fields: dict[str, object], reason: str, add: Add, run_job: RunJob
) -> None:
    version = add(content, **fields)
    assert run_job(version.public_id).status == "failed"
    version = fresh(version)
    assert version.state == DatasetState.REFUSED
    assert [row["code"] for row in version.reasons] == ["unreadable"]
    assert reason in version.reasons[0]["message"]
    assert not RowDigest.objects.exists()


def test_a_table_needs_no_id(add: Add, run_job: RunJob) -> None:
    version = add(b"x,label\n1,0\n", id_column="")
    run_job(version.public_id)
    assert fresh(version).state == DatasetState.USABLE


def test_a_refusal_is_recorded(add: Add, run_job: RunJob) -> None:
    version = add(label_column="target")
    run_job(version.public_id)
    event = Event.objects.get(tag="dataset-version:refused")
    assert (event.subject, event.after["reasons"]) == (version.public_id, fresh(version).reasons)


def test_bytes_that_are_gone_refuse_the_table(add: Add, run_job: RunJob) -> None:
    version = add()
    stores.forget()
    assert run_job(version.public_id).status == "failed"
    assert fresh(version).state == DatasetState.REFUSED


def test_reading_a_table_twice_keeps_its_rows_once(add: Add, run_job: RunJob) -> None:
    version = add()
    job = run_job(version.public_id)
    Job.objects.filter(pk=job.pk).update(status="queued")
    run_job(version.public_id)
    assert RowDigest.objects.count() == 3
    assert Event.objects.filter(tag="dataset-version:usable").count() == 1


def test_a_refused_table_whose_job_is_queued_again_can_be_cancelled(
    add: Add, run_job: RunJob
) -> None:
    version = add(label_column="target")
    job = run_job(version.public_id)
    retry_job(job_id=job.pk, actor=SYSTEM)
    cancel_job(job_id=job.pk, actor=SYSTEM)
    assert fresh(version).state == DatasetState.REFUSED
    assert Event.objects.filter(tag="dataset-version:refused").count() == 1


def test_equal_rows_in_another_format_have_the_same_digest(add: Add, run_job: RunJob) -> None:
    lines = (
        b'{"id":"a","x":1.5,"label":0}\n{"id":"b","x":2.5,"label":1}\n{"id":"c","x":1.5,"label":0}'
    )
    versions = [add(), add(lines, file_format="jsonl")]
    for version in versions:
        run_job(version.public_id)
    first, second = map(fresh, versions)
    assert first.rows_digest == second.rows_digest
    assert first.file_digest != second.file_digest
