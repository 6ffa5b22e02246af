from typing import Self

from experiments.choices import ComparisonStatus
from hokusai.accounts.querysets import ScopedQuerySet


class ComparisonQuerySet(ScopedQuerySet):
    project_path = "benchmark__project"

    def with_names(self) -> Self:
        """With what a list shows of both versions and the benchmark, in one query."""
        return self.select_related(
            "benchmark__project",
            "baseline__model__project",
            "candidate__model__project",
            "job",
            "requested_by",
        )

    def decided(self) -> Self:
        return self.filter(status__in=(ComparisonStatus.ACCEPTED, ComparisonStatus.REFUSED))


class EvaluationQuerySet(ScopedQuerySet):
    project_path = "comparison__benchmark__project"
