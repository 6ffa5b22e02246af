"""Predictions on their way into the log; in a process of our side, with its web's rights.

Prints JSON on its last line.
"""

import json
import time
from dataclasses import replace

import orjson
from django.db import connection

from deployments import endpoints
from deployments.log_models import PredictionLog
from deployments.models import Revision
from deployments.prediction_log import Entry
from deployments.prediction_log.queue import DROPPED, MAX_ENTRIES, PredictionQueue
from deployments.prediction_log.writer import Writer

ROWS = 60_000
ROUNDS = 3
PUTS = 10_000
FEATURES = 30
SIZE = """
SELECT coalesce(sum(pg_relation_size(inhrelid)), 0) FROM pg_inherits
WHERE inhparent = 'deployments_predictionlog'::regclass
"""


def write() -> None:
    """Rows/s from the queue to committed rows, and what `put` costs whoever calls it."""
    best = max((_written() for _ in range(ROUNDS)), key=lambda one: one["per_second"])
    print(json.dumps({**best, "put_us": round(_put_us(), 2)}))


def _written() -> dict[str, float]:
    """One queue filled as fast as it empties; from the first put until every row is there."""
    writer, entries = Writer(), _entries(1_000)
    before, lost, bytes_before = PredictionLog.objects.count(), DROPPED._value.get(), _bytes()  # noqa: SLF001
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(ROWS):
        if number % 500 == 0:
            while len(writer.queue) > MAX_ENTRIES // 2:
                time.sleep(0.001)
        writer.queue.put(entries[number % len(entries)])
    while len(writer.queue):
        time.sleep(0.001)
    writer.drain()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    rows = PredictionLog.objects.count() - before
    if rows != ROWS or DROPPED._value.get() != lost:  # noqa: SLF001
        raise RuntimeError(f"{rows} of {ROWS} predictions are in the log.")
    return {
        "per_second": round(rows / seconds),
        "cpu_us": round(1e6 * cpu / rows, 1),
        "row_bytes": round((_bytes() - bytes_before) / rows),
    }


def _put_us() -> float:
    """Microseconds on the thread that answers; the queue takes them all, nobody takes them out."""
    queue = PredictionQueue(lambda: None, lambda entry: None)
    entries = _entries(PUTS)
    seconds = []
    for _ in range(20):
        queue.reset()
        began = time.perf_counter()
        for entry in entries:
            queue.put(entry)
        seconds.append(time.perf_counter() - began)
    return 1e6 * sorted(seconds)[len(seconds) // 2] / PUTS


def _entries(number: int) -> list[Entry]:
    """Predictions of one row of 30 columns, each with other values."""
    target = endpoints.target_of_revision(Revision.objects.order_by("pk")[0].public_id)
    target = replace(target, policy=replace(target.policy, log_sample=1.0, log_payloads=True))
    return [_entry(target, seed) for seed in range(number)]


def _entry(target: endpoints.Target, seed: int) -> Entry:
    row = {
        f"feature_{n:02}": round((seed * 31 + n * 7919) % 100_003 / 997, 6) for n in range(FEATURES)
    }
    answer = {
        "outputs": [{"prediction": seed % 2, "probabilities": {"0": 0.25, "1": 0.75}}],
        "model_id": target.model_id,
        "version": target.version,
        "digest": target.digest,
        "deployment": target.deployment_id,
        "revision": target.revision_id,
        "timings_ms": {"model": 0.4, "total": 1.2},
    }
    return Entry(
        at=time.time(),
        request_id=f"req_{seed:032x}",
        target=target,
        key_id="key_" + "0" * 32,
        status=200,
        code="",
        rows=1,
        total_ms=1.2,
        model_ms=0.4,
        cached=False,
        content_type="application/json",
        body=orjson.dumps({"rows": [row]}),
        answer=orjson.dumps(answer),
    )


def _bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute(SIZE)
        return int(cursor.fetchone()[0])
