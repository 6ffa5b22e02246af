"""One prediction as the web process hands it over."""

from dataclasses import dataclass

from deployments.endpoints import Target


@dataclass(slots=True)
class Entry:
    """An answered or refused prediction of a live target; nothing of it is copied or read yet."""

    # `time.time()` when the request came.
    at: float
    request_id: str
    target: Target
    # Public id of the key or person that asked.
    key_id: str
    # Of the HTTP answer.
    status: int
    # Of the error; empty for an answer.
    code: str
    rows: int
    total_ms: float
    # Within the model; 0 where it was not reached.
    model_ms: float
    cached: bool
    # Of the request's body, as it was sent.
    content_type: str
    body: bytes
    # The body of the answer.
    answer: bytes
