import numpy as np
import pytest

from experiments.algorithms.commitments import disclose, salted_root, verify_disclosed
from experiments.outcomes import keep_outcomes, outcome_lines, read_outcomes
from hokusai.core.canonical import canonical_bytes, parse_canonical, sha256_hex
from hokusai.storage import stores
from tests.factories import EvaluationFactory

pytestmark = pytest.mark.django_db
OUTCOMES = {
    "rmse": np.array([[4, 1], [9, 2], [16, 3]], dtype=np.int64),
    "mae": np.array([2, 3, 4], dtype=np.int64),
}


def test_a_row_of_outcomes_is_one_canonical_line() -> None:
    kept = keep_outcomes(OUTCOMES)
    content = stores["default"].get(kept.digest)
    assert kept.digest == sha256_hex(content)
    assert [parse_canonical(line) for line in content.split(b"\n")] == [
        {"mae": [2], "rmse": [4, 1]},
        {"mae": [3], "rmse": [9, 2]},
        {"mae": [4], "rmse": [16, 3]},
    ]


def test_what_was_kept_is_read_back_and_its_root_shows_any_row() -> None:
    kept = keep_outcomes(OUTCOMES)
    evaluation = EvaluationFactory(outcomes_digest=kept.digest, outcomes_root=kept.root)
    assert {name: values.tolist() for name, values in read_outcomes(evaluation).items()} == {
        "mae": [[2], [3], [4]],
        "rmse": [[4, 1], [9, 2], [16, 3]],
    }
    rows, secret = outcome_lines(evaluation), bytes.fromhex(kept.secret)
    assert salted_root(rows, secret).hex() == kept.root
    assert verify_disclosed(disclose(rows, secret, 1), bytes.fromhex(kept.root))


def test_the_same_outcomes_have_another_root_each_time() -> None:
    first, second = keep_outcomes(OUTCOMES), keep_outcomes(OUTCOMES)
    assert first.digest == second.digest
    assert first.root != second.root


def test_outcomes_of_before_are_still_read() -> None:
    digest = stores["default"].put(canonical_bytes({"accuracy": [0, 1_000_000]}))
    old = EvaluationFactory(outcomes_digest=digest, outcomes_root="")
    assert read_outcomes(old)["accuracy"].tolist() == [[0], [1_000_000]]
