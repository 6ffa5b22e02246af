from django.db import models


class BenchmarkStatus(models.TextChoices):
    DRAFT = "draft"
    APPROVED = "approved"
    RETIRED = "retired"

    @property
    def successors(self) -> frozenset["BenchmarkStatus"]:
        return _BENCHMARK_SUCCESSORS[self]


_BENCHMARK_SUCCESSORS = {
    BenchmarkStatus.DRAFT: frozenset({BenchmarkStatus.APPROVED, BenchmarkStatus.RETIRED}),
    BenchmarkStatus.APPROVED: frozenset({BenchmarkStatus.RETIRED}),
    BenchmarkStatus.RETIRED: frozenset(),
}


class ComparisonStatus(models.TextChoices):
    """What became of a comparison; `failed` is no verdict on the model's quality."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["ComparisonStatus"]:
        if self == ComparisonStatus.REQUESTED:
            return frozenset({self.ACCEPTED, self.REFUSED, self.FAILED})
        if self == ComparisonStatus.FAILED:
            return frozenset({self.REQUESTED, self.ACCEPTED, self.REFUSED, self.FAILED})
        return frozenset()


class EvaluationRole(models.TextChoices):
    BASELINE = "baseline"
    CANDIDATE = "candidate"


class RunStatus(models.TextChoices):
    """How far a run is, in the tracking server's words; it alone changes them."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "killed"
    UNKNOWN = "unknown"

    @classmethod
    def unfinished(cls) -> tuple["RunStatus", ...]:
        """Those that the server may still change by itself."""
        return (cls.SCHEDULED, cls.RUNNING)


class RunLifecycle(models.TextChoices):
    """Whether a run is kept there; missing: two complete passes did not see it."""

    ACTIVE = "active"
    DELETED = "deleted"
    MISSING = "missing"
