"""What the stand-alone verifier repeats from evidence is what the platform measured."""

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from experiments.algorithms.estimates import estimate
from experiments.algorithms.evidence import evidence_of
from experiments.algorithms.metrics import Answers, Task, Truth, find_metric
from experiments.algorithms.outcomes import PairedOutcomes
from hokusai.core.canonical import canonical_bytes
from tests.docs.proofs import script

SEED, ROWS = 11, 90
LEVEL, RARE = 0.025, 0.0004
RNG = np.random.default_rng(3)
CLUSTERS = np.arange(ROWS) % 45
WEIGHTS = RNG.uniform(0.5, 2.0, ROWS)
GROUPS = np.arange(ROWS) // 2


def answers(task: Task, labels: Any, skill: float) -> Answers:
    """Answers that are right about as often as `skill` says."""
    if task == Task.CLASSIFICATION:
        classes = sorted(set(labels.tolist()))
        chances = RNG.dirichlet(np.ones(len(classes)), len(labels)) * (1 - skill)
        chances[np.arange(len(labels)), labels] += skill * RNG.uniform(0, 1, len(labels))
        chances /= chances.sum(axis=1, keepdims=True)
        return Answers(task, chances.argmax(axis=1), classes, chances)
    noise = RNG.normal(0, 2 - skill, len(labels))
    return Answers(task, np.maximum(labels + noise, 0.1))


def paired(name: str, **more: Any) -> PairedOutcomes:
    metric = find_metric(name)
    task = metric.tasks[0]
    classes = 2 if name == "auroc" else 3
    labels = RNG.integers(0, classes, ROWS)
    if task != Task.CLASSIFICATION:
        labels = RNG.poisson(2, ROWS).astype(float)
    truth = Truth(labels, groups=GROUPS if task == Task.RANKING else None)
    sides = (metric.components(truth, answers(task, labels, skill)) for skill in (0.3, 0.6))
    return PairedOutcomes(name, *sides, **more)


CASES = [
    ("accuracy", {}),
    ("accuracy", {"clusters": CLUSTERS}),
    ("log_loss", {}),
    ("log_loss", {"weights": WEIGHTS, "clusters": CLUSTERS}),
    ("rmse", {}),
    ("r2", {"weights": WEIGHTS}),
    ("f1", {}),
    ("balanced_accuracy", {"clusters": CLUSTERS}),
    ("auroc", {}),
    ("auroc", {"weights": WEIGHTS, "clusters": CLUSTERS}),
    ("ndcg@5", {}),
]
IDS = [" ".join([name, *more]) for name, more in CASES]


def repeated(outcomes: PairedOutcomes, level: float, margin: int) -> Any:
    verifier, name = script(), outcomes.metric
    # As it comes out of a bundle.
    evidence = json.loads(canonical_bytes(evidence_of(outcomes, SEED)))
    metric = {"name": name, "direction": find_metric(name).direction.value}
    return verifier.measure(evidence, metric, verifier.Question(level, margin, SEED))


@pytest.mark.parametrize(("name", "more"), CASES, ids=IDS)
def test_every_metric_is_repeated_from_its_evidence(name: str, more: dict[str, Any]) -> None:
    outcomes = paired(name, **more)
    level, margin = (RARE, 0) if name == "log_loss" else (LEVEL, -5_000)
    told = estimate(outcomes, level, margin, SEED)
    found = repeated(outcomes, level, margin)

    assert (found.rows, found.units) == (told.n, told.units)
    assert found.methods == (told.interval_method, told.test_method)
    assert found.low == pytest.approx(told.low, abs=1e-3)
    assert found.high == pytest.approx(told.high, abs=1e-3)
    assert found.p_value == pytest.approx(told.p_value, rel=1e-6, abs=1e-12)
    assert float(found.gain) == pytest.approx(told.gain_sum / told.weight_sum, abs=0.1)
    for side in ("baseline", "candidate"):
        if (score := getattr(found, side)) is not None:
            assert score == pytest.approx(getattr(told, f"{side}_score"), abs=found.blur)


def test_units_that_say_the_same_are_not_resampled() -> None:
    baseline = np.full(40, 500_000)
    outcomes = PairedOutcomes("mae", baseline, baseline - 1_000)
    told, found = estimate(outcomes, LEVEL, 0, SEED), repeated(outcomes, LEVEL, 0)
    assert found.methods == ("constant-difference", "constant-difference")
    assert (found.low, found.high, found.p_value) == (told.low, told.high, told.p_value)


def test_too_few_units_show_nothing() -> None:
    baseline = np.arange(29) * 1_000 + 500_000
    outcomes = PairedOutcomes("mae", baseline, baseline // 2)
    found = repeated(outcomes, LEVEL, 0)
    assert (found.low, found.high, found.methods) == (-math.inf, math.inf, ("none", "none"))


def test_a_metric_of_the_issuers_own_is_not_judged() -> None:
    verifier = script()
    evidence = {"form": "sums", "metric": "own", "units": []}
    asked = verifier.Question(LEVEL, 0, SEED)
    assert verifier.measure(evidence, {"name": "own", "direction": "higher"}, asked) is None


MAE = evidence_of(PairedOutcomes("mae", *RNG.integers(1, 9_000, (2, 40))), SEED)
PLACES = np.column_stack([np.arange(40), np.arange(40) % 2])
TURNED = np.column_stack([PLACES[::-1, 0], PLACES[:, 1]])
AUROC = evidence_of(PairedOutcomes("auroc", PLACES, TURNED), SEED)
COUNTS = {"form": "counts", "metric": "accuracy", "n": 9, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("evidence", "change", "why"),
    [
        (MAE, {"units": MAE["units"][::-1]}, "not in order"),
        (MAE, {"units": MAE["units"][1:]}, "do not add up"),
        (MAE, {"units": [[1, 2], *MAE["units"][1:]]}, "another number of parts"),
        (MAE, {"units": [*MAE["units"][:-1], [1_000_000, 1]]}, "one length"),
        (MAE, {"units": [[-1, 1, 1], *MAE["units"][1:]]}, "below zero"),
        (MAE, {"units": []}, "another number of parts"),
        (MAE, {"n": 41}, "do not add up"),
        (MAE, {"resamples": 100}, "number of resamples"),
        (MAE, {"seed": 2}, "another seed"),
        (MAE, {"metric": "rmse"}, "is that of rmse"),
        (MAE, {"form": "counts"}, "does not fit"),
        (MAE, {"form": "text"}, "does not fit"),
        (AUROC, {"units": AUROC["units"][::-1]}, "not in order"),
        (AUROC, {"units": AUROC["units"][1:]}, "do not add up"),
        (AUROC, {"units": [[[1, 2, 3, 2]]]}, "two places and a label"),
        (AUROC, {"units": [[[1, 2, 40, 1]]]}, "two places and a label"),
        (COUNTS, {"b": 8}, "contradict each other"),
        (COUNTS, {"c": -1}, "contradict each other"),
    ],
)
def test_evidence_that_contradicts_itself_is_refused(
    evidence: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    verifier, name = script(), evidence["metric"]
    metric = {"name": name, "direction": find_metric(name).direction.value}
    with pytest.raises(verifier.Rejected, match=why):
        verifier.measure(evidence | change, metric, verifier.Question(LEVEL, 0, SEED))


def test_a_metric_turned_around_is_refused() -> None:
    verifier = script()
    with pytest.raises(verifier.Rejected, match="other direction"):
        verifier.measure(MAE, {"name": "mae", "direction": "higher"}, verifier.Question(0.1, 0, 1))


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 9), (9_000, 9_400), (12_000, 12_100)])
def test_mid_p_of_many_pairs_is_that_of_few(b: int, c: int) -> None:
    verifier = script()
    assert verifier.midp_by_logarithms(b, c) == pytest.approx(exact_midp(b, c), rel=1e-7)
    assert verifier.midp_greater(b, c) == pytest.approx(exact_midp(b, c), rel=1e-7)


def exact_midp(b: int, c: int) -> float:
    pairs = b + c
    return float(binom.sf(c, pairs, 0.5) + binom.pmf(c, pairs, 0.5) / 2)
