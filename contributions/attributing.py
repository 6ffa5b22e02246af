"""Asking workers to attribute a gain."""

from contributions.models import Attribution
from experiments.models import Training
from hokusai.core import jobs
from hokusai.core.models import Job
from registry.models import ModelVersion


def ask_to_attribute(attribution: Attribution) -> Job:
    """Ask a worker to take the attribution one step further, in the caller's transaction.

    Raises Conflict where one is at it.
    """
    return jobs.enqueue(
        "attribution",
        subject=attribution.public_id,
        project_id=attribution.project.pk,
        label=str(attribution),
    )


def training_of(candidate: ModelVersion) -> Training | None:
    """The training that made a candidate and its control; None where there is none."""
    found = Training.objects.filter(candidate=candidate).exclude(control=None)
    return found.select_related("benchmark__project").first()
