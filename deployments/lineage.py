"""What deployments add to the lineage graph."""

from deployments.models import Deployment, Revision
from registry.choices import EdgeKind, NodeKind
from registry.services import NodeRef, link_lineage, version_node


def link_revision(revision: Revision) -> None:
    """State that a version is served by a deployment; repeating it changes nothing."""
    link_lineage(
        src=version_node(revision.version),
        dst=_node(revision.deployment),
        kind=EdgeKind.SERVED_BY,
        attributes={"revision": revision.number},
    )


def _node(deployment: Deployment) -> NodeRef:
    return NodeRef(deployment.public_id, NodeKind.DEPLOYMENT, str(deployment), deployment.project)
