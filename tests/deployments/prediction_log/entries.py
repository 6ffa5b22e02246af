"""Entries as the path of a prediction makes them."""

import time
from dataclasses import replace
from typing import Any

import orjson

from deployments.endpoints import ServingPolicy, Target
from deployments.prediction_log import Entry

POLICY = ServingPolicy(
    memory_bytes=1 << 30,
    latency_budget_ms=2.0,
    idle_s=900,
    deadline_ms=10_000,
    rate_per_minute=None,
    cache_s=0,
    log_sample=1.0,
    log_payloads=True,
    log_every_row=False,
    redacted_columns=frozenset(),
)
TARGET = Target(
    project_id=1,
    project="tides",
    model_id="tides.level",
    version=1,
    digest="0" * 64,
    deployment_id="dep_" + "0" * 32,
    revision_id="rev_" + "0" * 32,
    status="live",
    provider="local",
    handle="",
    converted_digest="",
    policy=POLICY,
    deployment_pk=2,
    revision_pk=3,
)


def entry(
    body: Any = None, answer: Any = None, *, target: Target = TARGET, **changes: Any
) -> Entry:
    """One answered row; fields of the policy are given with the others."""
    names = set(ServingPolicy.__dataclass_fields__) & set(changes)
    policy = replace(target.policy, **{name: changes.pop(name) for name in names})
    fields: dict[str, Any] = {
        "at": time.time(),
        "request_id": f"req_{time.time_ns():032x}",
        "target": replace(target, policy=policy),
        "key_id": "key_one",
        "status": 200,
        "code": "",
        "rows": 1,
        "total_ms": 2.5,
        "model_ms": 1.25,
        "cached": False,
        "content_type": "application/json",
        "body": _bytes({"rows": [{"a": 1.5}]} if body is None else body),
        "answer": _bytes({"outputs": [{"prediction": 3}]} if answer is None else answer),
    }
    return Entry(**{**fields, **changes})


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value)
