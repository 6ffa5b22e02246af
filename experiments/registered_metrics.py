"""Metrics that this installation adds to the shipped ones: the setting BENCHMARK_METRICS."""

from collections.abc import Mapping

from django.conf import settings
from django.utils.module_loading import import_string

from experiments.algorithms.metrics import METRICS, Metric, OutcomeError, find_metric
from experiments.exceptions import BenchmarkInvalid


def registered() -> dict[str, Metric]:
    """Metrics by name. Raises ImportError for a class that is absent."""
    stated: Mapping[str, str] = settings.BENCHMARK_METRICS
    return {name: import_string(path)() for name, path in stated.items()}


def metric_of(name: str) -> Metric:
    """A shipped or registered metric. Raises BenchmarkInvalid for an unknown one."""
    try:
        return find_metric(name, registered())
    except OutcomeError as error:
        raise BenchmarkInvalid(str(error), metric=name) from error


def metrics_for(task: str) -> list[Metric]:
    """Shipped and registered metrics of a task, by name."""
    known = {**METRICS, **registered()}
    return [known[name] for name in sorted(known) if task in known[name].tasks]


def names_for(task: str) -> list[str]:
    """Their names, as a person may state them."""
    return [metric.name for metric in metrics_for(task)]
