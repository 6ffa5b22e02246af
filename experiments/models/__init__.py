from experiments.models.benchmarks import PPM, Benchmark
from experiments.models.comparisons import (
    Attempt,
    Comparison,
    Confirmation,
    CumulativeGain,
    Evaluation,
    Experiment,
)
from experiments.models.runs import Run, RunFeed, RunHistory
from experiments.models.trainings import Training

__all__ = [
    "PPM",
    "Attempt",
    "Benchmark",
    "Comparison",
    "Confirmation",
    "CumulativeGain",
    "Evaluation",
    "Experiment",
    "Run",
    "RunFeed",
    "RunHistory",
    "Training",
]
