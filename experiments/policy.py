"""A benchmark as the algorithms read it, and the digest that fixes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.algorithms.decision import Guardrail, Policy
from experiments.algorithms.metrics import Task
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Benchmark
from experiments.registered_metrics import metric_of, names_for
from hokusai.core.canonical import canonical_bytes, sha256_hex

# Alpha is a float on the row and parts per billion wherever a digest is made.
ALPHA_SCALE = 1_000_000_000
LARGEST_PPM = 2**31 - 1
LARGEST_SEED = 2**53
MAX_ALPHA = 0.5
MOST_CONFIRMATION_PPM = 900_000


def policy_of(benchmark: Benchmark) -> Policy:
    """What the benchmark demands, in millionths."""
    return Policy(
        metric=benchmark.metric,
        margin=benchmark.margin_ppm,
        minimum_gain=benchmark.minimum_gain_ppm,
        alpha=benchmark.alpha,
        guardrails=tuple(
            Guardrail(metric=item["metric"], margin=item["margin_ppm"])
            for item in benchmark.guardrails
        ),
    )


def metrics_of(benchmark: Benchmark) -> list[str]:
    """The deciding metric first, then the guardrails."""
    return [benchmark.metric, *(item["metric"] for item in benchmark.guardrails)]


def spec_of(benchmark: Benchmark) -> dict[str, Any]:
    """Everything that fixes a benchmark, in integers and strings.

    Of the salt that splits the rows only its sha256. Benchmarks of before the split have neither.
    """
    metric = metric_of(benchmark.metric)
    spec = {
        "rowsDigest": benchmark.dataset_version.rows_digest,
        "task": benchmark.task,
        "features": list(benchmark.features),
        "label": benchmark.label_column,
        "metric": benchmark.metric,
        "direction": metric.direction.value,
        "marginPpm": benchmark.margin_ppm,
        "minimumGainPpm": benchmark.minimum_gain_ppm,
        "alphaE9": round(benchmark.alpha * ALPHA_SCALE),
        "guardrails": [
            {"metric": item["metric"], "marginPpm": item["margin_ppm"]}
            for item in benchmark.guardrails
        ],
        "seed": benchmark.seed,
    }
    return spec | _split_of(benchmark, metric.unit) if benchmark.split_salt else spec


def _split_of(benchmark: Benchmark, unit: str) -> dict[str, Any]:
    return {
        "unit": unit,
        "clusterColumn": benchmark.cluster_column,
        "weightColumn": benchmark.weight_column,
        "groupColumn": benchmark.group_column,
        "sliceColumns": list(benchmark.slice_columns),
        "confirmationPpm": benchmark.confirmation_ppm,
        "splitSaltDigest": sha256_hex(bytes.fromhex(benchmark.split_salt)),
    }


def spec_digest(benchmark: Benchmark) -> str:
    """sha256 of the canonical spec, hexadecimal."""
    return sha256_hex(canonical_bytes(spec_of(benchmark)))


def check_metrics(metric: str, guardrails: Sequence[Mapping[str, Any]], task: str) -> None:
    """Raises BenchmarkInvalid for metrics that are unknown, repeated or do not fit the task."""
    names = [metric, *(str(item.get("metric", "")) for item in guardrails)]
    for name in names:
        if Task(task) not in metric_of(name).tasks:
            known = ", ".join(names_for(task))
            raise BenchmarkInvalid(f"Metrics of a {task} are {known}.", metric=name)
    if len(set(names)) < len(names):
        raise BenchmarkInvalid("A metric decides or guards, once.", metrics=names)
    for item in guardrails:
        margin = item.get("margin_ppm")
        if not isinstance(margin, int) or not 0 <= margin <= LARGEST_PPM:
            raise BenchmarkInvalid(
                "A guardrail names the harm it allows as margin_ppm, zero or more.",
                metric=item["metric"],
            )


def check_demands(*, margin_ppm: int, minimum_gain_ppm: int, alpha: float, seed: int) -> None:
    """Raises BenchmarkInvalid for a policy that would call a loss a gain, or cannot be stated."""
    if not 0 <= margin_ppm <= LARGEST_PPM or not 0 <= minimum_gain_ppm <= LARGEST_PPM:
        raise BenchmarkInvalid("Margin and minimum gain are zero or more.", margin_ppm=margin_ppm)
    if not 0 < alpha < MAX_ALPHA:
        raise BenchmarkInvalid("Alpha lies between 0 and 0.5.", alpha=alpha)
    # A statement holds integers below 2^53.
    if not 0 <= seed < LARGEST_SEED:
        raise BenchmarkInvalid("The seed lies between 0 and 2^53.", seed=seed)
