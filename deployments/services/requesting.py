"""What deploying and rolling back share: a new revision and the job that brings it live."""

from django.db.models import Max

from deployments.models import Deployment, Revision
from hokusai.core import jobs
from hokusai.core.errors import Forbidden
from hokusai.core.events import Actor, record
from registry.models import ModelVersion
from registry.services import exact_onnx


def request_revision(
    deployment: Deployment,
    version: ModelVersion,
    actor: Actor,
    rolled_back_to: int | None = None,
) -> Revision:
    """Ask for a version at a place that is locked; its rollout is under way once this commits."""
    last = deployment.revisions.aggregate(last=Max("number"))["last"] or 0
    revision = Revision(
        deployment=deployment,
        number=last + 1,
        version=version,
        digest=version.tree_digest,
        converted_digest=exact_onnx(version),
        created_by_id=person(actor),
    )
    revision.job = jobs.enqueue(
        "rollout",
        subject=revision.public_id,
        project_id=deployment.model.project_id,
        label=f"{version} to {deployment}",
    )
    revision.save()
    record(
        "revision:requested",
        subject=revision.public_id,
        actor=actor,
        project_id=deployment.model.project_id,
        label=str(revision),
        after={
            "deployment": deployment.public_id,
            "version": version.public_id,
            "digest": revision.digest,
            "converted_digest": revision.converted_digest,
            "rolled_back_to": rolled_back_to,
        },
    )
    return revision


def person(actor: Actor) -> int:
    """The id of the person who acts. Raises Forbidden where it is none."""
    if actor.user_id is None:
        raise Forbidden("A deployment is asked for by a person.")
    return actor.user_id
