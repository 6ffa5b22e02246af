"""Trying a deployment from its page: the rows go the way of the API, and so does the answer."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from deployments import endpoints, prediction_log, predictions
from deployments.admin import try_fields
from deployments.admin.try_fields import TryField
from deployments.endpoints import Target
from deployments.examples import example_rows
from deployments.models import Deployment, Revision
from deployments.prediction_log import Entry
from deployments.predictions import Given
from hokusai.accounts.services import person_of
from hokusai.core.errors import DomainError
from hokusai.web import limits
from hokusai.web.hot import error_response
from hokusai.web.panels import Panel

PROBABILITY = "probability."
BARS_SHOWN = 10
ROWS_SHOWN = 20
BODY_BYTES_MAX = 1 << 20
HINT = "The rows go the way of the API: the same checks, the same log, the same limit."


@dataclass(frozen=True, slots=True)
class Bar:
    """The probability of one class."""

    label: str
    percent: float


@dataclass(frozen=True, slots=True)
class OutputRow:
    """What the model said of one row."""

    number: int
    prediction: str
    bars: tuple[Bar, ...]
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try: an answer, or what was said against it."""

    body: bytes
    rows: tuple[OutputRow, ...] = ()
    row_count: int = 0
    version: int | None = None
    revision: str = ""
    request_id: str = ""
    model_ms: float | None = None
    total_ms: float | None = None
    raw: str = ""
    error: str = ""
    code: str = ""
    row: int | None = None
    column: str = ""


def try_panel(deployment: Deployment, live: Revision | None) -> Panel:
    """The form with the input example in it."""
    if live is None:
        return _panel(deployment, {"empty": "Nothing is live here, so there is nothing to ask."})
    columns = try_fields.columns_of(live.version.signature)
    rows = example_rows(live.version) or []
    fields = try_fields.filled(columns, rows[0] if rows else {})
    shown = {"fields": fields, "text": try_fields.as_json(rows, columns), "example": bool(rows)}
    return _panel(deployment, {"live": live, "tab": _tab("form", fields), **shown})


def tried_panel(deployment: Deployment, live: Revision | None, request: HttpRequest) -> Panel:
    """The form as it was sent, and what came of it."""
    if live is None or request.method != "POST":
        return try_panel(deployment, live)
    columns = try_fields.columns_of(live.version.signature)
    if request.POST.get("tab") == "json":
        return _tried_as_json(deployment, live, request)
    row = try_fields.row_of(try_fields.typed(columns, request.POST, {}))
    tried = _ask(deployment, orjson.dumps({"rows": [row]}), request)
    fields = try_fields.typed(columns, request.POST, _wrong(tried))
    shown = {"fields": fields, "text": try_fields.as_json([row], columns), "tab": "form"}
    return _panel(deployment, {"live": live, "tried": tried, **shown})


def _tried_as_json(deployment: Deployment, live: Revision, request: HttpRequest) -> Panel:
    columns = try_fields.columns_of(live.version.signature)
    text = request.POST.get("text", "")
    tried = _ask(deployment, text.encode(), request)
    rows = example_rows(live.version) or [{}]
    shown = {"fields": try_fields.filled(columns, rows[0]), "text": text, "tab": "json"}
    return _panel(deployment, {"live": live, "tried": tried, **shown})


def _panel(deployment: Deployment, context: Mapping[str, Any]) -> Panel:
    """`context` with what every state of the form shows."""
    fields = context.get("fields", ())
    usable = 0 < len(fields) <= try_fields.FIELDS_MAX
    tried = context.get("tried")
    shown = {
        **context,
        "address": reverse("admin:deployments_deployment_try", args=[deployment.pk]),
        "fields": fields if usable else (),
        "json_only": not usable,
        "curl": curl(deployment, tried.body) if tried and tried.body else "",
    }
    return Panel("Try a prediction", "console/panels/try.html", shown, hint=HINT)


def _tab(asked: str, fields: Sequence[TryField]) -> str:
    return asked if 0 < len(fields) <= try_fields.FIELDS_MAX else "json"


def _wrong(tried: Tried) -> dict[str, str]:
    return {tried.column: tried.error} if tried.error and tried.column else {}


def _ask(deployment: Deployment, body: bytes, request: HttpRequest) -> Tried:
    """Ask as the API does, and have it logged so; a refusal is part of what is shown."""
    if len(body) > BODY_BYTES_MAX:
        return Tried(body=b"", error="That is too much for a form; send it to the API.")
    given = _given(deployment, body, request)
    target = _target(deployment)
    try:
        live = endpoints.require_live(target)
        limits.check_target_rate(live.deployment_id, live.policy.rate_per_minute)
        made = predictions.answer(live, given, reload=lambda: _target(deployment))
    except DomainError as error:
        said = error_response(error, None, given.request_id)
        _note(target, given, said.status_code, said.content, code=error.code)
        return _refused(body, error, given.request_id)
    note = {"rows": made.rows, "model_ms": made.model_ms, "cached": made.cache == "hit"}
    _note(made.target, given, HTTPStatus.OK, made.body, **note)
    return _answered(body, orjson.loads(made.body))


def _target(deployment: Deployment) -> Target | None:
    return endpoints.target_of_deployment(deployment.public_id)


def _given(deployment: Deployment, body: bytes, request: HttpRequest) -> Given:
    return Given(
        body=body,
        content_type="application/json",
        request_id=str(getattr(request, "request_id", "")),
        principal=f"user:{person_of(request.user).public_id}",
        route=f"POST {deployment.public_id}",
        began=time.perf_counter(),
    )


def _note(target: Target | None, given: Given, status: int, answer: bytes, **known: Any) -> None:
    if target is None:
        return
    took_s = time.perf_counter() - given.began
    stated = {"code": "", "rows": 0, "model_ms": 0.0, "cached": False, **known}
    prediction_log.put(
        Entry(
            at=time.time() - took_s,
            request_id=given.request_id,
            target=target,
            key_id=given.principal.partition(":")[2],
            status=status,
            total_ms=took_s * 1e3,
            content_type=given.content_type,
            body=given.body,
            answer=answer,
            **stated,
        )
    )


def _refused(body: bytes, error: DomainError, request_id: str) -> Tried:
    row, column = error.context.get("row"), error.context.get("column")
    return Tried(
        body=body,
        error=str(error),
        code=error.code,
        row=row if isinstance(row, int) else None,
        column=str(column) if column is not None else "",
        request_id=request_id,
    )


def _answered(body: bytes, answer: Mapping[str, Any]) -> Tried:
    outputs = answer.get("outputs", [])
    timings = answer.get("timings_ms", {})
    return Tried(
        body=body,
        rows=tuple(_output(number, row) for number, row in enumerate(outputs[:ROWS_SHOWN])),
        row_count=len(outputs),
        version=answer.get("version"),
        revision=str(answer.get("revision", "")),
        request_id=str(answer.get("request_id", "")),
        model_ms=timings.get("model"),
        total_ms=timings.get("total"),
        raw=orjson.dumps(
            {**answer, "outputs": outputs[:ROWS_SHOWN]}, option=orjson.OPT_INDENT_2
        ).decode(),
    )


def _output(number: int, row: Mapping[str, Any]) -> OutputRow:
    likely = sorted(
        ((name, value) for name, value in row.items() if name.startswith(PROBABILITY)),
        key=lambda one: -float(one[1] or 0),
    )
    others = [
        (name, _shown(value))
        for name, value in row.items()
        if name != "prediction" and not name.startswith(PROBABILITY)
    ]
    return OutputRow(
        number=number,
        prediction=_shown(row.get("prediction")),
        bars=tuple(
            Bar(name.removeprefix(PROBABILITY), round(100 * float(value or 0), 2))
            for name, value in likely[:BARS_SHOWN]
        ),
        others=tuple(others),
    )


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)


def curl(deployment: Deployment, body: bytes) -> str:
    """The same request from a shell."""
    path = f"deployments/{deployment.public_id}/predict"
    if deployment.slug == endpoints.MAIN:
        path = f"models/{deployment.model.model_id}/predict"
    return (
        f"curl {settings.BASE_URL}/api/v1/{path} \\\n"
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body.decode(errors='replace'))}"
    )
