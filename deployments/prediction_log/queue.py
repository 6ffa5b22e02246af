"""The way into the log: a bounded queue within the process that answers."""

import os
from collections import deque
from random import random
from typing import Final

from prometheus_client import Counter

from deployments.prediction_log.entry import Entry

MAX_ENTRIES: Final = 20_000
FAILED: Final = 400
dropped = Counter(
    "hokusai_prediction_log_dropped", "Predictions that found no room in the log's queue."
)
waiting: deque[Entry] = deque()
os.register_at_fork(after_in_child=waiting.clear)


def put(entry: Entry) -> None:
    """Hand a prediction to the log; waits for nothing and raises nothing."""
    if entry.status < FAILED and random() >= entry.target.policy.log_sample:  # noqa: S311
        return
    if len(waiting) >= MAX_ENTRIES:
        dropped.inc()
        return
    waiting.append(entry)
