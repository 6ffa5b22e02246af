import os
import signal
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.db.models.functions import Now

from deployments.batches import children, predicting, services
from deployments.batches.children import Child
from deployments.models import BatchChunk
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Event, Job
from hokusai.core.services import cancel_job
from hokusai.core.sweep import ring_for_due_work
from tests.deployments.batches.conftest import Bench
from tests.deployments.conftest import Doorbell

pytestmark = pytest.mark.django_db


def chunk_job(position: int = 0) -> Job:
    """The job of one part."""
    return BatchChunk.objects.get(position=position).job


def test_every_row_has_its_outputs_in_order(bench: Bench) -> None:
    table = bench.table(35)
    batch = bench.done(bench.dataset(table))
    assert (batch.status, batch.rows_done, batch.error) == ("succeeded", 35, "")
    assert batch.chunks.count() == 4
    result = bench.result(batch)
    assert result.column_names == ["prediction", "probability.no", "probability.yes"]
    expected = bench.expected(table)
    np.testing.assert_allclose(result["probability.yes"].to_numpy(), expected[:, 1], rtol=1e-12)
    labels = np.where(expected[:, 1] > 0.5, "yes", "no")
    assert result["prediction"].to_pylist() == labels.tolist()


def test_the_steps_of_a_batch_are_on_record(bench: Bench) -> None:
    batch = bench.done(bench.dataset(bench.table(5)))
    events = Event.objects.filter(subject=batch.public_id).order_by("pk")
    tags = ["batch:requested", "batch:started", "batch:succeeded"]
    assert list(events.values_list("tag", flat=True)) == tags
    last = events.last()
    assert last is not None
    assert (last.before, last.after["output_digest"]) == (
        {"status": "running"},
        batch.output_digest,
    )


def test_ids_stand_beside_the_outputs(bench: Bench) -> None:
    ids = [f"s{number}" for number in range(12)]
    table = bench.table(12, station=ids, label=["no"] * 12)
    source = bench.dataset(table, id_column="station", label_column="label")
    result = bench.result(bench.done(source))
    assert result["station"].to_pylist() == ids
    assert "label" not in result.column_names


def test_a_refused_row_ends_the_batch_and_is_named_as_in_the_table(bench: Bench) -> None:
    values = np.zeros(25)
    values[17] = np.inf
    batch = bench.done(bench.dataset(pa.table({"a": np.zeros(25), "b": values})))
    assert batch.status == "failed"
    assert batch.error == "Row 17, column 'b': a finite number is needed."
    assert (batch.error_row, batch.error_column) == (17, "b")


def test_a_missing_value_is_refused_as_any_other(bench: Bench) -> None:
    table = pa.table({"a": pa.array([1.0, None, 2.0]), "b": [0.0, 0.0, 0.0]})
    batch = bench.done(bench.dataset(table))
    assert (batch.status, batch.error_row, batch.error_column) == ("failed", 1, "a")


def test_refused_rows_are_marked_where_that_is_asked_for(bench: Bench) -> None:
    values = np.zeros(25)
    values[[3, 17]] = np.nan, np.inf
    table = pa.table({"a": np.ones(25), "b": values})
    batch = bench.done(bench.dataset(table), on_error="mark")
    assert (batch.status, batch.rows_marked) == ("succeeded", 2)
    result = bench.result(batch).to_pylist()
    assert result[17] == {
        "prediction": None,
        "probability.no": None,
        "probability.yes": None,
        "error": "column 'b': a finite number is needed",
    }
    assert [row for row, one in enumerate(result) if one["error"]] == [3, 17]
    assert result[4]["prediction"] in ("no", "yes")


def test_what_the_model_itself_refuses_is_marked_row_by_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Child.ask

    def picky(self: Child, columns: list[str], block: Any) -> Any:
        odd = np.flatnonzero(block[:, 0] > 1)
        if len(odd):
            row = int(odd[0])
            message = f"Row {row}, column 'a': a whole number is needed."
            raise predicting.errors.InvalidInput(message, row=row, column="a")
        return ask(self, columns, block)

    monkeypatch.setattr(Child, "ask", picky)
    table = pa.table({"a": [0.0, 1.5, 0.5, 2.5, 0.0], "b": np.zeros(5)})
    batch = bench.done(bench.dataset(table), on_error="mark")
    errors = bench.result(batch)["error"].to_pylist()
    told = "column 'a': a whole number is needed."
    assert errors == [None, told, None, told, None]
    assert bench.result(batch)["prediction"].null_count == 2


def test_a_part_is_not_done_twice(bench: Bench) -> None:
    batch = bench.ask(bench.dataset(bench.table(20)))
    bench.work(2)
    chunk = batch.chunks.get(position=0)
    Job.objects.filter(pk=chunk.job_id).update(status=WorkStatus.QUEUED)
    jobs.run(chunk.job_id)
    bench.work()
    batch.refresh_from_db()
    assert (batch.status, batch.rows_done) == ("succeeded", 20)


def test_after_a_kill_only_the_part_that_was_under_way_is_done_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, doorbell: Doorbell
) -> None:
    batch = bench.ask(bench.dataset(bench.table(35)))
    bench.work(2)
    killed = chunk_job(1)
    # What a worker leaves that dies in the middle: a lease that nobody renews.
    Job.objects.filter(pk=killed.pk).update(
        status=WorkStatus.RUNNING, attempt=1, token=1, lease_expires_at=Now() - timedelta(seconds=1)
    )
    asked: list[int] = []
    answer = predicting._Predicting._answer

    def watched(self: Any, block: Any) -> Any:
        asked.append(block.first_row)
        return answer(self, block)

    monkeypatch.setattr(predicting._Predicting, "_answer", watched)
    bench.work()
    ring_for_due_work()
    assert killed.pk in doorbell.of("core.run_job")
    jobs.run(killed.pk)
    bench.work()
    batch.refresh_from_db()
    assert (batch.status, batch.rows_done) == ("succeeded", 35)
    assert sorted(asked) == [10, 20, 30]
    table = bench.table(35)
    expected = bench.expected(table)[:, 1]
    np.testing.assert_allclose(bench.result(batch)["probability.yes"].to_numpy(), expected)


def test_a_worker_that_lost_its_lease_writes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = bench.ask(bench.dataset(bench.table(10)))
    bench.work(1)
    run = predicting._Predicting.run

    def robbed(self: Any) -> Any:
        part = run(self)
        Job.objects.filter(pk=self._work.job.pk).update(token=7)
        return part

    monkeypatch.setattr(predicting._Predicting, "run", robbed)
    bench.work(1)
    assert batch.chunks.get().status == "asked"


def test_a_child_that_dies_is_started_again(bench: Bench) -> None:
    batch = bench.ask(bench.dataset(bench.table(20)))
    bench.work(2)
    client = children._client(children.settings.RUNNER_SOCKET)
    for child in client.stats():
        if child.key.startswith(batch.public_id) and child.pid:
            os.kill(child.pid, signal.SIGKILL)
    bench.work()
    batch.refresh_from_db()
    assert (batch.status, batch.error) == ("succeeded", "")


def test_a_running_part_stops_within_once_the_batch_is_cancelled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "LOOK_S", 0)
    monkeypatch.setattr("deployments.batches.tables.BLOCK_CELLS", 4)
    batch = bench.ask(bench.dataset(bench.table(10)))
    bench.work(1)
    blocks: list[int] = []
    answer = predicting._Predicting._answer

    def cancelling(self: Any, block: Any) -> Any:
        blocks.append(block.first_row)
        if len(blocks) == 2:
            services.cancel_batch(batch_id=batch.pk, actor=bench.actor)
        return answer(self, block)

    monkeypatch.setattr(predicting._Predicting, "_answer", cancelling)
    bench.work()
    assert blocks == [0, 2]
    chunk = batch.chunks.get()
    assert (chunk.status, chunk.job.status, chunk.rows_done) == ("asked", "succeeded", 4)


def test_a_part_given_up_is_taken_up_where_the_batch_went_on_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = bench.ask(bench.dataset(bench.table(10)))
    bench.work(1)

    def resumed_meanwhile(self: Any) -> Any:
        services.cancel_batch(batch_id=batch.pk, actor=bench.actor)
        services.resume_batch(batch_id=batch.pk, actor=bench.actor)
        raise predicting.GivenUp

    with monkeypatch.context() as patched:
        patched.setattr(predicting._Predicting, "run", resumed_meanwhile)
        bench.work(1)
    job = chunk_job()
    assert (job.status, job.last_error) == (
        "queued",
        "The batch goes on; this part is taken up again.",
    )
    Job.objects.update(run_after=Now())
    bench.work()
    batch.refresh_from_db()
    assert batch.status == "succeeded"


def test_a_part_of_a_batch_that_has_ended_is_let_go(bench: Bench) -> None:
    batch = bench.ask(bench.dataset(bench.table(20)))
    bench.work(1)
    services.cancel_batch(batch_id=batch.pk, actor=bench.actor)
    bench.work()
    assert {chunk.job.status for chunk in batch.chunks.select_related("job")} == {"succeeded"}
    assert not batch.chunks.filter(status="done").exists()


def test_a_job_of_a_part_that_is_cancelled_by_itself_ends_the_batch(bench: Bench) -> None:
    batch = bench.ask(bench.dataset(bench.table(20)))
    bench.work(1)
    cancel_job(job_id=chunk_job().pk, actor=bench.actor)
    batch.refresh_from_db()
    assert (batch.status, batch.error) == ("failed", "Cancelled on request.")
