from experiments.admin.benchmarks import BenchmarkAdmin
from experiments.admin.comparisons import ComparisonAdmin
from experiments.admin.experiments import ExperimentAdmin
from experiments.admin.runs import RunAdmin
from experiments.admin.trainings import TrainingAdmin

__all__ = ["BenchmarkAdmin", "ComparisonAdmin", "ExperimentAdmin", "RunAdmin", "TrainingAdmin"]
