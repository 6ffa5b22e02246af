"""From a request to the JSON of a prediction."""

import time
from dataclasses import dataclass

import orjson

from deployments.endpoints import Target
from deployments.predictions import bodies, results
from deployments.predictions.asking import Reload, ask
from deployments.predictions.given import Given, patience_s
from deployments.predictions.table import Table


@dataclass(slots=True)
class Answer:
    """The JSON of a prediction, the revision that gave it, and what the log wants to know.

    `outputs`: the part of the body under that name; `cache`: "hit" or "miss", empty where nothing
    is kept.
    """

    body: bytes
    outputs: bytes
    target: Target
    rows: int
    model_ms: float
    cache: str = ""


@dataclass(slots=True)
class _Made:
    target: Target
    # JSON.
    outputs: bytes
    model_ms: float
    # From the request's arrival, all that was not the model.
    queue_ms: float


def answer(target: Target, given: Given, *, reload: Reload) -> Answer:
    """A prediction of a live target. `reload` finds the target anew.

    Raises InvalidInput (with `row` and `column`), UnsupportedBody, NotDeployed, Starting,
    NotReady, ModelError, ProviderTimeout, and other OutsideErrors.
    """
    until = given.began + patience_s(given.deadline, target.policy.deadline_ms)
    table = bodies.read(given.body, given.media_type, target.project, until)
    cache_s = target.policy.cache_s
    if not cache_s:
        made = _made(given, *ask(target, table, reload, until, given.request_id))
        return _answer(given, table, made)
    name = results.name_of(target, table)
    kept = results.find(name)
    if kept is not None:
        return _answer(given, table, _Made(target, kept, 0.0, _since(given)), "hit")
    made = _made(given, *ask(target, table, reload, until, given.request_id))
    if made.target.digest == target.digest:
        results.keep(name, made.outputs, cache_s)
    return _answer(given, table, made, "miss")


def _since(given: Given) -> float:
    return (time.perf_counter() - given.began) * 1e3


def _made(given: Given, target: Target, outputs: bytes, model_ms: float) -> _Made:
    return _Made(target, outputs, model_ms, _since(given) - model_ms)


def _answer(given: Given, table: Table, made: _Made, cache: str = "") -> Answer:
    target = made.target
    body = orjson.dumps(
        {
            "outputs": orjson.Fragment(made.outputs),
            "model_id": target.model_id,
            "version": target.version,
            "digest": target.digest,
            "deployment": target.deployment_id,
            "revision": target.revision_id,
            "request_id": given.request_id,
            "timings_ms": {
                "queue": round(made.queue_ms, 3),
                "model": round(made.model_ms, 3),
                "total": round(_since(given), 3),
            },
        }
    )
    return Answer(body, made.outputs, target, table.count, made.model_ms, cache)
