"""Eight writers and the sequencer at the transparency log; in processes of our side.

Each function prints JSON on its last line.
"""

import json
import multiprocessing
import random
import statistics
import time
from multiprocessing.synchronize import Event

from django.db import connection, connections, transaction

from hokusai.core.canonical import sha256_hex
from hokusai.transparency import services
from hokusai.transparency.models import LogLeaf, LogRecord

WRITERS = 8
SECONDS = 5.0
LEAVES = 100_000
PROOFS = 300
LOST = 0.02


def append() -> None:
    """Writers commit one record each time, some roll back; then every committed one has a place."""
    # What the instance was filled with is sealed first.
    services.sequence()
    before = LogRecord.objects.exclude(kind="events").count()
    connections.close_all()
    context = multiprocessing.get_context("fork")
    done, counts = context.Event(), context.Queue()
    sequencer = context.Process(target=_sequence, args=(done,))
    writers = [context.Process(target=_write, args=(seed, counts)) for seed in range(WRITERS)]
    started = time.monotonic()
    for process in (sequencer, *writers):
        process.start()
    kept = sum(counts.get() for _ in writers)
    for process in writers:
        process.join()
    done.set()
    sequencer.join()
    services.sequence()
    took_s = time.monotonic() - started
    found = list(LogLeaf.objects.order_by("index").values_list("index", flat=True))
    records = LogRecord.objects.exclude(kind="events").count()
    print(
        json.dumps(
            {
                "per_second": round(kept / took_s, 1),
                "records": kept,
                "gaps": len(found) - (found[-1] + 1 if found else 0),
                "missing": LogRecord.objects.filter(leaf=None).count(),
                "unexpected": records - kept - before,
            }
        )
    )


def prove() -> None:
    """Inclusion proofs of random leaves in a tree of 100,000; milliseconds."""
    missing = LEAVES - LogLeaf.objects.count()
    texts = (f'{{"filled":{number}}}' for number in range(missing))
    LogRecord.objects.bulk_create(
        (
            LogRecord(
                kind="attempt", subject="bench", statement=text, digest=sha256_hex(text.encode())
            )
            for text in texts
        ),
        batch_size=5_000,
    )
    started = time.monotonic()
    services.sequence()
    sequenced_s = time.monotonic() - started
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transparency_logleaf, transparency_lognode")
    size = LogLeaf.objects.count()
    chance, times = random.Random(1), []
    for _ in range(PROOFS):
        index = chance.randrange(size)
        started = time.perf_counter()
        services.inclusion(index, size)
        times.append(1000 * (time.perf_counter() - started))
    ordered = sorted(times)
    print(
        json.dumps(
            {
                "leaves": size,
                "ms": round(statistics.median(ordered), 3),
                "p99_ms": round(ordered[int(0.99 * PROOFS)], 3),
                "sequenced_s": round(sequenced_s, 2),
            }
        )
    )


def _write(seed: int, counts: "multiprocessing.Queue[int]") -> None:
    chance, kept, number = random.Random(seed), 0, 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        number += 1
        lost = chance.random() < LOST
        with transaction.atomic():
            services.append("attempt", {"n": number, "writer": seed}, subject=f"bench_{seed}")
            transaction.set_rollback(lost)
        kept += not lost
    connections.close_all()
    counts.put(kept)


def _sequence(done: Event) -> None:
    while not done.is_set():
        if not services.sequence():
            time.sleep(0.02)
    connections.close_all()
