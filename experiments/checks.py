from experiments.models import Comparison
from registry.models import ModelVersion
from registry.promotion import CheckResult, PromotionCheck


class BenchmarkPassed(PromotionCheck):
    """Every version but a model's first was shown to be better than a baseline."""

    code = "benchmark_passed"
    title = "Better than its baseline on an approved benchmark"

    def run(self, version: ModelVersion) -> CheckResult:
        if version.number == 1:
            return CheckResult(True, "A first version has no baseline to be better than.")
        decided = Comparison.objects.decided().filter(candidate=version)
        accepted = decided.filter(status="accepted").order_by("-decided_at").first()
        if accepted is not None:
            points = (accepted.delta_ppm or 0) / 10_000
            return CheckResult(True, f"Gained {points:.2f} percentage points: {accepted}.")
        if refused := decided.order_by("-decided_at").first():
            # Why it was refused is for those who may see the benchmark.
            return CheckResult(False, f"It was not shown to be better: {refused}.")
        return CheckResult(False, "It was never compared with its baseline.")
