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
    CONTROL = "control"


class Task(models.TextChoices):
    """What a model of a benchmark answers."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    RANKING = "ranking"


class Split(models.TextChoices):
    """Which rows of a benchmark: those that decide, or those kept to confirm."""

    SCREENING = "screening"
    CONFIRMATION = "confirmation"


class ConfirmationStatus(models.TextChoices):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["ConfirmationStatus"]:
        if self in (ConfirmationStatus.REQUESTED, ConfirmationStatus.FAILED):
            return frozenset(ConfirmationStatus) - {self}
        return frozenset()


class TrainingStatus(models.TextChoices):
    REQUESTED = "requested"
    TRAINED = "trained"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["TrainingStatus"]:
        if self in (TrainingStatus.REQUESTED, TrainingStatus.FAILED):
            return frozenset(TrainingStatus) - {self}
        return frozenset()


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
