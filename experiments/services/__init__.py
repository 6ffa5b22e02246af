"""Everything a person, a client or a schedule may ask of the experiments."""

from experiments.services.benchmarks import (
    DEFAULT_SEED,
    approve_benchmark,
    create_benchmark,
    retire_benchmark,
)
from experiments.services.comparisons import create_experiment, request_comparison
from experiments.services.cumulative import benchmark_of, measure_cumulative_gain
from experiments.services.trainings import (
    DEFAULT_SEEDS,
    compare_trained,
    misfit,
    request_training,
    starting_point,
    tell_failed_arm,
)

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_SEEDS",
    "approve_benchmark",
    "benchmark_of",
    "compare_trained",
    "create_benchmark",
    "create_experiment",
    "measure_cumulative_gain",
    "misfit",
    "request_comparison",
    "request_training",
    "retire_benchmark",
    "starting_point",
    "tell_failed_arm",
]
