from experiments.choices import BenchmarkStatus, ComparisonStatus
from experiments.models import Comparison
from registry.choices import ArtifactState, EdgeKind
from registry.models import LineageEdge, ModelVersion
from registry.promotion import CheckResult, PromotionCheck


class BenchmarkPassed(PromotionCheck):
    """Every version but a model's first was shown to be better than what led its line."""

    code = "benchmark_passed"
    title = "Better than its baseline on an approved benchmark"

    def run(self, version: ModelVersion) -> CheckResult:
        decided = Comparison.objects.decided().with_names().filter(candidate=version)
        accepted = decided.filter(status=ComparisonStatus.ACCEPTED).order_by("-decided_at")
        results = [_judged(comparison, version) for comparison in accepted]
        if passed := next((result for result in results if result.passed), None):
            return passed
        if _is_first(version):
            return CheckResult(True, "A first version has no baseline to be better than.")
        if results:
            return results[0]
        if refused := decided.order_by("-decided_at").first():
            # Why it was refused is for those who may see the benchmark.
            return CheckResult(False, f"It was not shown to be better: {refused}.")
        return CheckResult(False, "It was never compared with its baseline; choose Evaluate.")


def _is_first(version: ModelVersion) -> bool:
    """Nothing of the model was there before; what failed to arrive does not count."""
    earlier = version.model.versions.filter(number__lt=version.number)
    return not earlier.exclude(artifact_state=ArtifactState.FAILED).exists()


def _judged(comparison: Comparison, version: ModelVersion) -> CheckResult:
    benchmark = comparison.benchmark
    if benchmark.project_id != version.project_id:
        return CheckResult(False, f"{benchmark} is a benchmark of another project.")
    if benchmark.status != BenchmarkStatus.APPROVED:
        return CheckResult(
            False, f"{benchmark} is {benchmark.status}; compare on an approved benchmark."
        )
    if comparison.candidate_digest != version.tree_digest:
        return CheckResult(False, f"{comparison} measured other bytes; compare again.")
    if lacking := _guardrails_lacking(comparison):
        return CheckResult(
            False, f"{comparison}: the guardrail {lacking} is missing or not passed; compare again."
        )
    stands, words = _standing(comparison, version)
    if not stands:
        return CheckResult(False, words)
    points = (comparison.delta_ppm or 0) / 10_000
    return CheckResult(True, f"Gained {points:.2f} percentage points: {comparison}. {words}")


def _guardrails_lacking(comparison: Comparison) -> str:
    """The first guardrail of the benchmark without a result that passed; empty for none."""
    passed = {
        row["metric"]
        for row in comparison.findings.get("guardrails", ())
        if row.get("passed") is True
    }
    asked = (row["metric"] for row in comparison.benchmark.guardrails)
    return next((metric for metric in asked if metric not in passed), "")


def _standing(comparison: Comparison, version: ModelVersion) -> tuple[bool, str]:
    """Whether the baseline was what the version had to beat, in words."""
    head = version.model.head
    if head is None or head.pk == comparison.baseline_id:
        return True, "Its baseline leads the line."
    if head.pk == version.pk:
        return True, "It leads the line."
    if _led_when_accepted(comparison):
        return True, f"Its baseline led when this was accepted; v{head.number} leads now."
    return False, (
        f"{comparison} was accepted against a version that did not lead; compare with "
        f"v{head.number}, which does."
    )


def _led_when_accepted(comparison: Comparison) -> bool:
    """An improvement was recorded, which only the head of the line allows."""
    return LineageEdge.objects.filter(
        src__public_id=comparison.public_id, kind=EdgeKind.IMPROVED
    ).exists()
