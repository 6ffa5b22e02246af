from experiments.admin.benchmarks import BenchmarkAdmin, ExperimentAdmin
from experiments.admin.comparisons import ComparisonAdmin

__all__ = ["BenchmarkAdmin", "ComparisonAdmin", "ExperimentAdmin"]
