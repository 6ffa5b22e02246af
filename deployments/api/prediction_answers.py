"""A prediction as an HTTP answer, once per idempotency key, and noted in the log."""

import time
from collections.abc import Callable
from typing import Any, Final

from deployments import endpoints, prediction_log, predictions, receipts
from deployments.endpoints import Target
from deployments.prediction_log import Entry
from deployments.predictions import Answer, Given, repeats
from deployments.predictions.given import patience_s
from deployments.predictions.repeats import Claim, Kept
from hokusai.core.errors import DomainError
from hokusai.web.hot import HotAnswer, error_response
from hokusai.web.idempotency import REPLAYED
from hokusai.web.retired import retirement_headers

# Where a request was sent to, as idempotency keys tell places apart: the same on both ways.
ROUTE: Final = "POST {}"
CACHE_HEADER: Final = "Hokusai-Cache"
OK: Final = 200
# Answers that the same request gets each time; everything else may be different the next time.
LASTING: Final = frozenset({OK, 400})
Reload = Callable[[], Target | None]


def respond(target: Target | None, given: Given, reload: Reload) -> HotAnswer:
    """The answer to a request for a prediction; one of a known target is logged.

    Raises NotDeployed where there is no target, InFlight, KeyReused.
    """
    if target is None:
        target = endpoints.require_live(target)
    if not given.repeat_key:
        return _fresh(target, given, reload)
    claimed = repeats.claim(given, patience_s(given.deadline, target.policy.deadline_ms))
    if isinstance(claimed, Kept):
        return HotAnswer(claimed.body, {**claimed.headers, REPLAYED: "true"}, claimed.status)
    return _claimed(claimed, target, given, reload)


def _claimed(claimed: Claim, target: Target, given: Given, reload: Reload) -> HotAnswer:
    answer = None
    try:
        answer = _fresh(target, given, reload)
    finally:
        if answer is None or answer.status not in LASTING:
            repeats.forget(claimed)
    if answer.status in LASTING:
        repeats.keep(claimed, answer.status, dict(answer.headers), answer.body)
    return answer


def _fresh(target: Target, given: Given, reload: Reload) -> HotAnswer:
    try:
        live = endpoints.require_live(target)
        asked = receipts.input_digest(given.body, given.content_type) if given.receipt else ""
        made = predictions.answer(live, given, reload=reload)
    except DomainError as error:
        refused = _refusal(error, given)
        _note(target, given, refused, code=error.code)
        return refused
    answer = with_headers(made)
    if given.receipt:
        answer = _with_receipt(answer, made, given, asked)
    _note(
        made.target,
        given,
        answer,
        rows=made.rows,
        model_ms=made.model_ms,
        cached=made.cache == "hit",
    )
    return answer


def _refusal(error: DomainError, given: Given) -> HotAnswer:
    response = error_response(error, None, given.request_id)
    headers = {}
    if "Retry-After" in response.headers:
        headers["Retry-After"] = response.headers["Retry-After"]
    return HotAnswer(response.content, headers, response.status_code)


def with_headers(answer: Answer) -> HotAnswer:
    """A prediction; one of a retired version says when it goes and what replaces it."""
    target = answer.target
    path = f"/api/v1/models/{target.model_id}/versions/{target.successor}"
    headers = retirement_headers(
        target.deprecated_at, target.sunset_at, path if target.successor else ""
    )
    if answer.cache:
        headers[CACHE_HEADER] = answer.cache
    return HotAnswer(answer.body, headers)


def _with_receipt(answer: HotAnswer, made: Answer, given: Given, asked: str) -> HotAnswer:
    receipt_id = receipts.ask_for(
        made.target,
        request_id=given.request_id,
        principal=given.principal.partition(":")[2],
        input_digest=asked,
        output_digest=receipts.output_digest(made.outputs),
    )
    headers = {**answer.headers}
    for name, value in receipts.headers_of(receipt_id).items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return HotAnswer(answer.body, headers, answer.status)


def _note(
    target: Target,
    given: Given,
    answer: HotAnswer,
    *,
    code: str = "",
    rows: int = 0,
    model_ms: float = 0.0,
    cached: bool = False,
) -> None:
    took_s = time.perf_counter() - given.began
    prediction_log.put(
        Entry(
            time.time() - took_s,
            given.request_id,
            target,
            given.principal.partition(":")[2],
            answer.status,
            code,
            rows,
            took_s * 1e3,
            model_ms,
            cached,
            given.content_type,
            given.body,
            answer.body,
        )
    )


def given_by(meta: Any, **known: Any) -> Given:
    """What a request gave, with its headers from META."""
    return Given(
        content_type=meta.get("CONTENT_TYPE", ""),
        deadline=meta.get("HTTP_HOKUSAI_DEADLINE_MS", ""),
        repeat_key=meta.get("HTTP_IDEMPOTENCY_KEY", ""),
        receipt=meta.get("HTTP_HOKUSAI_RECEIPT", "") == "true",
        **known,
    )
