"""Rows of the log as lines of PostgreSQL's COPY in text form, which the spool keeps as they are."""

import hashlib
import re
import time
from itertools import count
from secrets import randbelow
from typing import Any, Final

import orjson

from deployments.log_models import KEYS_PER_SECOND
from deployments.prediction_log.entry import Entry
from deployments.prediction_log.queue import FAILED
from deployments.prediction_log.redaction import (
    Hidden,
    input_without,
    outputs_without,
    problem_without,
)

COLUMNS: Final = (
    "id",
    "at",
    "project_id",
    "deployment_id",
    "revision_id",
    "total_ms",
    "model_ms",
    "weight",
    "rows",
    "input_bytes",
    "output_bytes",
    "status",
    "cached",
    "request_id",
    "key_id",
    "code",
    "content_type",
    "input_digest",
    "redacted",
    "input",
    "output",
)
NULL: Final = b"\\N"
SERVER_ERROR: Final = 500
MAX_TEXT: Final = 200
_JSON: Final = "application/json"
_PLAIN = re.compile(r"[A-Za-z0-9 ._:;=+*,/-]*")
_LINE: Final = (
    b"%d\t%s.%06d+00\t%d\t%d\t%d\t%.4f\t%.4f\t%.4f\t%d\t%d\t%d\t%d\t%s"
    b"\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n"
)
_SPECIAL: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
Digest = str


class Encoder:
    """Writes lines. `key` keys the digests, so that nobody without it can try bodies out."""

    def __init__(self, *, key: bytes, payload_bytes: int) -> None:
        self._key, self._limit = key, payload_bytes
        self._keys = count(randbelow(KEYS_PER_SECOND))
        self._second: tuple[int, bytes] = (-1, b"")

    def line(self, entry: Entry) -> bytes:
        """One row with its line end; its key is made here, once for all tries to write it."""
        target, second = entry.target, int(entry.at)
        failed = entry.status >= FAILED
        redacted, given, answered = self._payloads(entry)
        return _LINE % (
            second * KEYS_PER_SECOND + next(self._keys) % KEYS_PER_SECOND,
            self._moment(second),
            int((entry.at - second) * 1e6),
            target.project_id,
            target.deployment_pk,
            target.revision_pk,
            entry.total_ms,
            entry.model_ms,
            1.0 if failed else 1.0 / (target.policy.log_sample or 1.0),
            entry.rows,
            len(entry.body),
            len(entry.answer),
            entry.status,
            b"t" if entry.cached else b"f",
            _text(entry.request_id),
            _text(entry.key_id),
            _text(entry.code),
            _text(entry.content_type),
            hashlib.blake2b(entry.body, key=self._key, digest_size=16).hexdigest().encode(),
            redacted,
            given,
            answered,
        )

    def _moment(self, second: int) -> bytes:
        kept, text = self._second
        if kept != second:
            text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second)).encode()
            self._second = (second, text)
        return text

    def _payloads(self, entry: Entry) -> tuple[bytes, bytes, bytes]:
        """Redacted names, rows and outputs, as far as they may be kept."""
        policy = entry.target.policy
        if not policy.log_payloads:
            return NULL, NULL, NULL
        hidden = policy.redacted_columns
        given, answered = self._input(entry, hidden), self._output(entry, hidden)
        return _array(hidden) if hidden else NULL, given, answered

    def _input(self, entry: Entry, hidden: Hidden) -> bytes:
        """A refused request is not kept where columns are hidden: one may be misnamed in it."""
        refused = FAILED <= entry.status < SERVER_ERROR
        if (hidden and refused) or not entry.content_type.startswith(_JSON):
            return NULL
        given = self._read(entry.body)
        if given is None:
            return NULL
        if hidden:
            return self._kept(input_without(given, hidden))
        return _escaped(entry.body)

    def _output(self, entry: Entry, hidden: Hidden) -> bytes:
        answer = self._read(entry.answer)
        if not isinstance(answer, dict):
            return NULL
        if entry.status >= FAILED:
            return self._kept(problem_without(answer) if hidden else answer)
        outputs = answer.get("outputs")
        return self._kept(outputs_without(outputs, hidden) if hidden else outputs)

    def _read(self, body: bytes) -> Any:
        """The value of a JSON body; None for no JSON, and for more than is kept."""
        if len(body) > self._limit:
            return None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return None

    def _kept(self, value: Any) -> bytes:
        return NULL if value is None else orjson.dumps(value).replace(b"\\", b"\\\\")


def fields_of(line: bytes) -> list[str | None]:
    """The values of a line, as text. Raises ValueError for a line that is none."""
    parts = line.removesuffix(b"\n").split(b"\t")
    if len(parts) != len(COLUMNS):
        raise ValueError(f"A line of the log has {len(COLUMNS)} fields, not {len(parts)}.")
    return [None if part == NULL else _plain(part) for part in parts]


def without_payloads(line: bytes) -> bytes:
    """The line without rows and outputs."""
    return b"\t".join([*line.split(b"\t")[:-2], NULL, NULL]) + b"\n"


def _plain(part: bytes) -> str:
    return _ESCAPED.sub(lambda found: _SPECIAL.get(found[1], found[1]), part).decode()


def _text(text: str) -> bytes:
    """Text of ours as it is; what a caller made up without what COPY or PostgreSQL cannot take."""
    if not _PLAIN.fullmatch(text):
        text = "".join(c if c.isprintable() and c != "\\" else "?" for c in text)
    return text[:MAX_TEXT].encode("utf-8", "replace")


def _escaped(body: bytes) -> bytes:
    """JSON as it came: its strings hold no control characters, what stands between them may."""
    body = body.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    return body.replace(b"\t", b"\\t").replace(b"\r", b"\\r")


def _array(names: Hidden) -> bytes:
    """Names as an array of PostgreSQL's."""
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in sorted(names))
    return _escaped(("{" + ",".join(f'"{name}"' for name in quoted) + "}").encode())
