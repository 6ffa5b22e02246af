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
)
from experiments.algorithms.metrics.catalogue import (
    METRICS,
    find_metric,
    floor_ppm,
    score_ppm,
)

__all__ = [
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
    "find_metric",
    "floor_ppm",
    "score_ppm",
    "to_fixed",
]
