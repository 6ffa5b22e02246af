"""Outcomes of two models that the tests of statistics share."""

import numpy as np

from experiments.algorithms.metrics import Answers, Metric, Task, Truth, find_metric
from experiments.algorithms.outcomes import PairedOutcomes

EVERY_METRIC = (
    "accuracy",
    "f1",
    "balanced_accuracy",
    "auroc",
    "log_loss",
    "brier_score",
    "mae",
    "rmse",
    "r2",
    "poisson_deviance",
    "ndcg@5",
)


def truth_of(metric: Metric, n: int, source: np.random.Generator, *, weighted: bool) -> Truth:
    """Labels that the metric fits; groups of five rows share their weight."""
    labels = source.integers(0, 2 if Task.CLASSIFICATION in metric.tasks else 4, n)
    weights = np.repeat(source.uniform(0.2, 3.0, n // 5), 5) if weighted else None
    return Truth(labels, weights, groups=np.repeat(np.arange(n // 5), 5))


def answers_of(
    metric: Metric, truth: Truth, source: np.random.Generator, classes: int = 2
) -> Answers:
    """Answers that are right more often than not."""
    labels = np.asarray(truth.labels)
    if Task.CLASSIFICATION not in metric.tasks:
        given = np.abs(0.5 * labels + source.normal(size=len(labels))) + 0.1
        return Answers(metric.tasks[0], given)
    shares = source.dirichlet(np.ones(classes), len(labels))
    shares[np.arange(len(labels)), labels] += 0.4
    shares /= shares.sum(axis=1, keepdims=True)
    return Answers(Task.CLASSIFICATION, shares.argmax(axis=1), list(range(classes)), shares)


def paired(
    name: str, n: int = 200, seed: int = 3, *, weighted: bool = False, clustered: bool = False
) -> PairedOutcomes:
    """Two equally good models on n rows, in clusters of five where asked for."""
    source, metric = np.random.default_rng(seed), find_metric(name)
    truth = truth_of(metric, n, source, weighted=weighted)
    sides = [metric.components(truth, answers_of(metric, truth, source)) for _ in range(2)]
    clusters = np.arange(n) // 5 if clustered else None
    return PairedOutcomes(name, sides[0], sides[1], truth.weights, clusters)
