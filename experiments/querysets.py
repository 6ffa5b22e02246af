from typing import Self

from django.db.models import F, Func, JSONField, Q

from experiments.choices import ComparisonStatus, RunLifecycle, RunStatus
from hokusai.accounts.querysets import ScopedQuerySet


def _without_evidence(column: str) -> Func:
    return Func(F(column), template="(%(expressions)s - 'evidence')", output_field=JSONField())


class ComparisonQuerySet(ScopedQuerySet):
    project_path = "benchmark__project"

    def with_names(self) -> Self:
        """With what a list shows of both versions and the benchmark, in one query.

        The evidence of a verdict may be large; `Comparison.findings` comes without it.
        """
        found = self.select_related(
            "benchmark__project",
            "baseline__model__project",
            "candidate__model__project",
            "job",
            "requested_by",
            "confirmation",
        ).defer("statistics", "confirmation__statistics")
        return found.annotate(told=_without_evidence("statistics"))

    def decided(self) -> Self:
        return self.filter(status__in=(ComparisonStatus.ACCEPTED, ComparisonStatus.REFUSED))


class OfComparisonQuerySet(ScopedQuerySet):
    project_path = "comparison__benchmark__project"


class OfModelQuerySet(ScopedQuerySet):
    project_path = "model__project"


class RunQuerySet(ScopedQuerySet):
    """Runs are in the project that their experiment is mapped to now; in none while it is not."""

    project_path = "experiment__project"

    def with_names(self) -> Self:
        """With the experiment and the project, in one query."""
        return self.select_related("experiment__project")

    def unfinished(self) -> Self:
        """Those that may still change by themselves."""
        return self.filter(status__in=RunStatus.unfinished(), lifecycle=RunLifecycle.ACTIVE)

    def matching(self, text: str) -> Self:
        """Those whose name holds a text, or whose id or user it begins."""
        if "\x00" in text:
            return self.none()
        return self.filter(
            Q(name__icontains=text)
            | Q(run_id__startswith=text.lower())
            | Q(public_id=text)
            | Q(user__istartswith=text)
        )
