"""Outcomes per row: a line of canonical JSON each, stored, and committed to by a salted root."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.algorithms.commitments import SECRET_BYTES, outcome_rows, salted_root
from experiments.models import Evaluation
from hokusai.storage import stores

Outcomes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where outcomes are: sha256 of the content, root of the salted rows, what the salts need."""

    digest: str
    root: str
    secret: str


def keep_outcomes(outcomes: Mapping[str, Outcomes]) -> Kept:
    """Store the outcomes per row, in the rows' order, and commit to them with a new secret.

    outcomes: metric -> (n,) or (n, p) int64. A line is `{"<metric>": [components]}`.
    """
    rows, secret = outcome_rows(outcomes), secrets.token_bytes(SECRET_BYTES)
    digest = stores["default"].put(b"\n".join(rows))
    return Kept(digest, salted_root(rows, secret).hex(), secret.hex())


def outcome_lines(evaluation: Evaluation) -> list[bytes]:
    """The rows that the evaluation's root commits to. Raises ContentMissing, ContentDamaged."""
    return stores["default"].get(evaluation.outcomes_digest).split(b"\n")


def read_outcomes(evaluation: Evaluation) -> dict[str, Outcomes]:
    """What was kept: metric -> (n, p) int64. Raises ContentMissing, ContentDamaged."""
    lines = outcome_lines(evaluation)
    if not evaluation.outcomes_root:
        # Kept before roots were: one object of columns instead of a line per row.
        columns = json.loads(lines[0])
        return {name: _column(values) for name, values in columns.items()}
    rows = [json.loads(line) for line in lines]
    return {name: _column([row[name] for row in rows]) for name in rows[0]}


def _column(values: list[int] | list[list[int]]) -> Outcomes:
    found = np.asarray(values, dtype=np.int64)
    return found.reshape(len(found), -1)
