"""Logged predictions as CloudEvents 1.0 in JSON, one per line.

Types and the shared id are those of KServe's inference logger: the request and the response of one
prediction have one id, the request's. Extension attributes carry what the log knows beside them.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from collections.abc import Iterator
from typing import Any, Final

import orjson
from django.conf import settings

from deployments.log_models import PredictionLog

SPEC: Final = "1.0"
REQUEST: Final = "org.kubeflow.serving.inference.request"
RESPONSE: Final = "org.kubeflow.serving.inference.response"
JSON: Final = "application/json"


def lines(row: PredictionLog) -> Iterator[bytes]:
    """The two events of a prediction. The row's deployment and version are read already."""
    for event in (_request(row), _response(row)):
        yield orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def source_of(deployment_id: str) -> str:
    """The URL of a deployment, the `source` of its events."""
    return f"{settings.BASE_URL.rstrip('/')}/api/v1/deployments/{deployment_id}"


def _common(row: PredictionLog, kind: str) -> dict[str, Any]:
    version = row.revision.version
    return {
        "specversion": SPEC,
        "id": row.request_id,
        "source": source_of(row.deployment.public_id),
        "type": kind,
        "subject": version.model.model_id,
        "time": row.at.isoformat(),
        "predictionid": row.public_id,
        "modelversion": version.number,
        "revision": row.revision.public_id,
    }


def _request(row: PredictionLog) -> dict[str, Any]:
    event = _common(row, REQUEST)
    event |= {
        "asker": row.key_id,
        "inputtype": row.content_type or "unknown",
        "inputbytes": row.input_bytes,
        "inputdigest": row.input_digest,
    }
    if row.redacted:
        event["redacted"] = ",".join(row.redacted)
    if row.input is not None:
        event |= {"datacontenttype": JSON, "data": row.input}
    return event


def _response(row: PredictionLog) -> dict[str, Any]:
    data: dict[str, Any] = {
        "rows": row.rows,
        "cached": row.cached,
        "weight": row.weight,
        "timings_ms": {"model": row.model_ms, "total": row.total_ms},
    }
    if row.output is not None:
        data["error" if row.is_failed else "outputs"] = row.output
    event = _common(row, RESPONSE) | {"statuscode": row.status}
    if row.code:
        event["errorcode"] = row.code
    return event | {"datacontenttype": JSON, "data": data}
