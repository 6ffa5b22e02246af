"""One request for a prediction, whichever way it came."""

from dataclasses import dataclass
from typing import Final

from hokusai.core.errors import InvalidInput

DEADLINE_HEADER: Final = "Hokusai-Deadline-Ms"
MAX_DEADLINE_MS: Final = 600_000
MAX_DIGITS: Final = 6


@dataclass(slots=True)
class Given:
    """What was sent, by whom, and since when.

    `principal`: "key:…" or "user:…" with a public id; `route`: method and path; `began`:
    `time.perf_counter()` when the request came. `deadline` and `repeat_key` are the headers
    Hokusai-Deadline-Ms and Idempotency-Key, empty where they are absent; `receipt`: whether
    Hokusai-Receipt asks for one.
    """

    body: bytes
    content_type: str
    request_id: str
    principal: str
    route: str
    began: float
    deadline: str = ""
    repeat_key: str = ""
    receipt: bool = False

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()


def patience_s(stated: str, longest_ms: int) -> float:
    """How long an answer may take: what the header says, and never longer than the policy.

    Raises InvalidInput for a header that is no whole number in its bounds.
    """
    if not stated:
        return longest_ms / 1e3
    if not (stated.isascii() and stated.isdigit() and len(stated) <= MAX_DIGITS):
        raise _out_of_bounds()
    wished_ms = int(stated)
    if not 1 <= wished_ms <= MAX_DEADLINE_MS:
        raise _out_of_bounds()
    return min(wished_ms, longest_ms) / 1e3


def _out_of_bounds() -> InvalidInput:
    return InvalidInput(
        f"{DEADLINE_HEADER} is a whole number of milliseconds from 1 to {MAX_DEADLINE_MS}.",
        header=DEADLINE_HEADER,
    )
