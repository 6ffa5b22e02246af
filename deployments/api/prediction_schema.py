"""How the API describes a prediction: the same for a model and for a deployment."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from deployments.api.prediction_serializers import PredictionSerializer, PredictSerializer
from deployments.predictions.bodies import ARROW_FILE, ARROW_STREAM, JSON, PARQUET
from deployments.predictions.given import DEADLINE_HEADER, MAX_DEADLINE_MS
from hokusai.web.serializers import ErrorSerializer

DIGEST: Final = "sha256:" + "0123456789abcdef" * 4
ID: Final = "0198c0ffee0123456789abcdef012345"
OUTPUTS: Final = [{"prediction": "yes", "probability.no": 0.12, "probability.yes": 0.88}]


def _error(text: str, code: str, message: str, **context: Any) -> OpenApiResponse:
    value = {"code": code, "message": message, "context": context, "request_id": f"req_{ID}"}
    return OpenApiResponse(ErrorSerializer, text, examples=[OpenApiExample(code, value)])


ANSWER: Final = OpenApiResponse(
    PredictionSerializer,
    "One output per row, in the order of the rows.",
    examples=[
        OpenApiExample(
            "one row",
            {
                "outputs": OUTPUTS,
                "model_id": "credit.risk",
                "version": 3,
                "digest": DIGEST,
                "deployment": f"dep_{ID}",
                "revision": f"rev_{ID}",
                "request_id": f"req_{ID}",
                "timings_ms": {"queue": 0.21, "model": 0.42, "total": 0.71},
            },
        )
    ],
)
RESPONSES: Final[dict[Any, Any]] = {
    200: ANSWER,
    400: _error(
        "The rows do not fit the model; `context` names row (from 0) and column. Or the body "
        "cannot be read, or a header is out of its bounds.",
        "invalid_input",
        "Row 1, column 'age': a number is needed.",
        row=1,
        column="age",
    ),
    403: _error(
        "The role or the key may not predict, or the key is limited to other models.",
        "forbidden",
        "This key may not be used for this model.",
    ),
    409: _error(
        "No version is deployed; or the first request with this idempotency key has not been "
        "answered yet: then `Retry-After` says when to ask again.",
        "not_deployed",
        "No version of this model is deployed.",
    ),
    413: _error(
        "The body is too large; large inputs are for batches.",
        "body_too_large",
        "The body has 20971520 bytes; at most 10485760 are taken.",
        limit_bytes=10485760,
    ),
    415: _error(
        "Neither JSON nor Arrow nor Parquet.",
        "unsupported_media_type",
        f"Send {JSON}, {ARROW_STREAM}, {ARROW_FILE}, {PARQUET}.",
    ),
    422: _error(
        "The idempotency key was used with another body.",
        "idempotency_key_reused",
        "This key was used with another body; use a new key.",
    ),
    429: _error(
        "The limit of the key, or of the deployment, was reached.",
        "too_many_requests",
        "Too many requests; try again in 12 s.",
        retry_after_s=12,
    ),
    502: _error(
        "The model failed on these rows: it raised, or its process ended twice. `context.cause` "
        "says which.",
        "model_error",
        "The model's process was ended by SIGSEGV.",
        cause="model_crashed",
    ),
    503: _error(
        "The model is starting, or waits after a crash; `Retry-After` says when to ask again.",
        "not_ready",
        "The model is starting.",
        retry_after_s=2,
    ),
    504: _error(
        "The deadline passed.",
        "model_timeout",
        "The model did not answer within 0.05 s.",
        cause="model_timeout",
    ),
}


def _header(name: str, text: str, kind: Any, codes: list[str]) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=text, response=codes)


PARAMETERS: Final = [
    OpenApiParameter(
        DEADLINE_HEADER,
        {"type": "integer", "minimum": 1, "maximum": MAX_DEADLINE_MS},
        OpenApiParameter.HEADER,
        description="Milliseconds from the request's arrival; the deployment's own deadline is "
        "both what holds without this header and the most that it can ask for.",
    ),
    OpenApiParameter(
        "Hokusai-Receipt",
        {"type": "string", "enum": ["true"]},
        OpenApiParameter.HEADER,
        description="`true` asks for a signed receipt of this prediction.",
    ),
    _header("Hokusai-Receipt", "Id of the receipt; `Link` leads to it.", str, ["200"]),
    _header("Retry-After", "Seconds.", int, ["409", "429", "503"]),
    _header(
        "Hokusai-Cache",
        "`hit` or `miss`; absent where the deployment keeps no results.",
        {"type": "string", "enum": ["hit", "miss"]},
        ["200"],
    ),
    _header(
        "Idempotent-Replayed",
        "`true` where this is the answer to an earlier request with the same Idempotency-Key.",
        {"type": "string", "enum": ["true"]},
        ["200", "400"],
    ),
    _header("Deprecation", "Since when the version is retired (RFC 9745).", str, ["200"]),
    _header("Sunset", "When it will go away (RFC 8594).", str, ["200"]),
    _header(
        "Link",
        "What replaces a retired version (`successor-version`); a receipt (`describedby`).",
        str,
        ["200"],
    ),
]
# Of `extend_schema`.
PREDICTION: Final[dict[str, Any]] = {
    "request": {
        JSON: PredictSerializer,
        ARROW_STREAM: OpenApiTypes.BINARY,
        ARROW_FILE: OpenApiTypes.BINARY,
        PARQUET: OpenApiTypes.BINARY,
    },
    "parameters": PARAMETERS,
    "responses": RESPONSES,
    "examples": [
        OpenApiExample(
            "rows", {"rows": [{"age": 42, "income": 51000.0}]}, request_only=True, media_type=JSON
        ),
        OpenApiExample(
            "columns and data",
            {"columns": ["age", "income"], "data": [[42, 51000.0], [29, 38500.0]]},
            request_only=True,
            media_type=JSON,
        ),
    ],
}
