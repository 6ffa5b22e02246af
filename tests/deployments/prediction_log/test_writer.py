import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from deployments.log_models import PredictionLog
from deployments.prediction_log import table
from deployments.prediction_log import writer as writers
from deployments.prediction_log.queue import BATCH, DROPPED
from deployments.prediction_log.writer import Writer
from tests.deployments.prediction_log.entries import entry

Switch = Callable[[bool], None]


def names() -> set[str]:
    return set(PredictionLog.objects.values_list("request_id", flat=True))


def put(writer: Writer, *ids: str, every_row: bool = False) -> None:
    for name in ids:
        writer.queue.put(entry(request_id=name, log_every_row=every_row))


def try_at_once(writer: Writer) -> None:
    """As when the pause after a failed try is over."""
    writer._retry_at = writer._look_at = 0.0


def test_predictions_are_written_with_what_was_asked_and_answered(writer: Writer) -> None:
    writer.queue.put(entry({"rows": [{"a": "\\ü\n"}]}, log_sample=1.0, rows=1))
    writer.flush()
    row = PredictionLog.objects.get()
    assert row.input == {"rows": [{"a": "\\ü\n"}]}
    assert row.output == [{"prediction": 3}]
    assert (row.revision_id, row.deployment_id, row.project_id) == (3, 2, 1)
    assert (row.status, row.rows, row.weight, row.total_ms) == (200, 1, 1.0, 2.5)


def test_more_than_one_batch_is_written_in_one_go(writer: Writer) -> None:
    put(writer, *map(str, range(BATCH + 3)))
    put(writer, "sure", every_row=True)
    writer.flush()
    assert PredictionLog.objects.count() == BATCH + 4


def test_a_row_that_postgresql_refuses_is_tried_without_payloads_and_holds_up_no_other(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = writer.encoder.line
    monkeypatch.setattr(
        writer.encoder,
        "line",
        lambda one: line(one).replace(b'"broken"', b'"\xff"').replace(b"\t422\t", b"\t99999\t"),
    )
    put(writer, "good")
    writer.queue.put(entry(request_id="hopeless", status=422))
    writer.queue.put(entry({"rows": [{"a": "broken"}]}, request_id="half"))
    writer.flush()
    assert names() == {"good", "half"}
    assert PredictionLog.objects.get(request_id="half").input is None


def test_an_entry_that_cannot_be_encoded_holds_up_no_other(writer: Writer) -> None:
    writer.queue.put(entry(rows="many"))
    put(writer, "good")
    before = DROPPED._value.get()
    writer.flush()
    assert names() == {"good"}
    assert DROPPED._value.get() == before + 1


def test_while_postgresql_is_away_rows_wait_and_come_when_it_is_back(
    writer: Writer, away: Switch
) -> None:
    away(True)
    put(writer, "a")
    writer.flush()
    put(writer, "b")
    writer.flush()
    away(False)
    try_at_once(writer)
    writer.flush()
    assert names() == {"a", "b"}


def test_while_postgresql_is_away_what_waits_stays_bounded(writer: Writer, away: Switch) -> None:
    away(True)
    for _ in range(3):
        put(writer, *map(str, range(BATCH)))
        try_at_once(writer)
        writer.flush()
    assert len(writer._unsent) == BATCH
    assert len(writer.queue) == 2 * BATCH


def test_what_must_not_be_lost_goes_to_disk_and_is_read_back_once(
    writer: Writer, away: Switch, spool_folder: Path
) -> None:
    away(True)
    put(writer, "plain")
    put(writer, "sure", every_row=True)
    writer.flush()
    (file,) = spool_folder.glob("*.rows")
    assert b"sure" in file.read_bytes()
    assert b"plain" not in file.read_bytes()
    away(False)
    try_at_once(writer)
    writer.flush()
    try_at_once(writer)
    writer.flush()
    assert names() == {"plain", "sure"}
    assert list(spool_folder.iterdir()) == []


def test_rows_whose_sending_broke_off_are_not_doubled(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = table.copy

    def copied_then_broken(connection: table.Connection, lines: list[bytes]) -> None:
        copy(connection, lines)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    put(writer, "plain")
    put(writer, "sure", every_row=True)
    monkeypatch.setattr(table, "copy", copied_then_broken)
    writer.flush()
    monkeypatch.setattr(table, "copy", copy)
    for _ in range(2):
        try_at_once(writer)
        writer.flush()
    assert sorted(row.request_id for row in PredictionLog.objects.all()) == ["plain", "sure"]


def test_what_the_end_of_a_process_leaves_is_read_by_another_once(
    writer: Writer, away: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(True)
    put(writer, "a", "b")
    writer.flush()
    put(writer, "c")
    writer.drain()
    # Answered after the end of the thread.
    put(writer, "late")
    writer.spool.close()
    away(False)
    writers.read_spool()
    writers.read_spool()
    assert sorted(row.request_id for row in PredictionLog.objects.all()) == ["a", "b", "c", "late"]


def test_a_forked_process_leaves_everything_to_its_parent(writer: Writer, away: Switch) -> None:
    away(True)
    put(writer, "sure", every_row=True)
    writer.flush()
    put(writer, "parent")
    child = os.fork()
    if child == 0:
        writer.after_fork()
        os._exit(len(writer.queue) + len(writer._sure))
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert list(writer.spool.read_back()) == []
    away(False)
    for _ in range(2):
        try_at_once(writer)
        writer.flush()
    assert names() == {"sure", "parent"}


def test_processes_that_are_told_not_to_write_start_no_thread(writer: Writer) -> None:
    put(writer, "a")
    assert writer._thread is None
