"""Everything a person, a client or a schedule may ask of the experiments."""

from experiments.services.benchmarks import (
    DEFAULT_SEED,
    approve_benchmark,
    create_benchmark,
    retire_benchmark,
)
from experiments.services.comparisons import create_experiment, request_comparison

__all__ = [
    "DEFAULT_SEED",
    "approve_benchmark",
    "create_benchmark",
    "create_experiment",
    "request_comparison",
    "retire_benchmark",
]
