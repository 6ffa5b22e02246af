"""Metrics: direction, kind and unit fixed; per-row components as integers in millionths."""

from experiments.algorithms.metrics.base import (
    MAX_OUTCOME,
    SCALE,
    Answers,
    Direction,
    Floats,
    Form,
    Kind,
    Metric,
    MetricBase,
    OutcomeError,
    Outcomes,
    Task,
    Truth,
    to_fixed,
    total,
)
from experiments.algorithms.metrics.catalogue import (
    METRICS,
    find_metric,
    floor_ppm,
    metrics_for,
    score_ppm,
)
from experiments.algorithms.metrics.classification import LOG_LOSS_CLIP
from experiments.algorithms.metrics.rows import accuracy, brier_score, log_loss, score

__all__ = [
    "LOG_LOSS_CLIP",
    "MAX_OUTCOME",
    "METRICS",
    "SCALE",
    "Answers",
    "Direction",
    "Floats",
    "Form",
    "Kind",
    "Metric",
    "MetricBase",
    "OutcomeError",
    "Outcomes",
    "Task",
    "Truth",
    "accuracy",
    "brier_score",
    "find_metric",
    "floor_ppm",
    "log_loss",
    "metrics_for",
    "score",
    "score_ppm",
    "to_fixed",
    "total",
]
