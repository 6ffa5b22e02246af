from experiments.admin.benchmarks import BenchmarkAdmin, ExperimentAdmin
from experiments.admin.comparisons import ComparisonAdmin
from experiments.admin.runs import RunAdmin
from experiments.admin.trainings import TrainingAdmin

__all__ = ["BenchmarkAdmin", "ComparisonAdmin", "ExperimentAdmin", "RunAdmin", "TrainingAdmin"]
