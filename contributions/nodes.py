"""How contributions, credit and statements stand in the lineage graph."""

from contributions.models import Attestation, Contribution, Improvement
from registry.choices import EdgeKind, NodeKind
from registry.services import NodeRef, link_lineage


def contribution_node(contribution: Contribution) -> NodeRef:
    return NodeRef(
        contribution.public_id,
        NodeKind.CONTRIBUTION,
        f"contribution of {contribution.wallet.address[:8]}…",
        contribution.project,
    )


def improvement_node(improvement: Improvement) -> NodeRef:
    return NodeRef(
        improvement.public_id, NodeKind.IMPROVEMENT, str(improvement), improvement.project
    )


def tell_of_contribution(contribution: Contribution) -> None:
    """The person leads to the contribution, the contribution to its rows."""
    contributor, version = contribution.wallet.contributor, contribution.dataset_version
    node = contribution_node(contribution)
    person = NodeRef(
        contributor.public_id, NodeKind.CONTRIBUTOR, str(contribution.wallet.address), None
    )
    rows = NodeRef(version.public_id, NodeKind.DATASET, str(version), contribution.project)
    link_lineage(src=person, dst=node, kind=EdgeKind.GIVEN_BY)
    link_lineage(src=node, dst=rows, kind=EdgeKind.GIVEN_AS)


def tell_of_improvement(improvement: Improvement, shares: dict[int, int]) -> None:
    """The comparison leads to the improvement; so do the contributions, each with its share."""
    node, comparison = improvement_node(improvement), improvement.comparison
    credited = Contribution.objects.filter(pk__in=shares).select_related("wallet", "project")
    link_lineage(
        src=NodeRef(
            comparison.public_id, NodeKind.COMPARISON, str(comparison), improvement.project
        ),
        dst=node,
        kind=EdgeKind.IMPROVED,
        attributes={
            "delta_ppm": improvement.delta_ppm,
            "metric": comparison.benchmark.metric,
            "contributors": len({contribution.wallet.contributor_id for contribution in credited}),
        },
    )
    for contribution in credited:
        link_lineage(
            src=contribution_node(contribution),
            dst=node,
            kind=EdgeKind.CREDITED,
            attributes={"basis_points": shares[contribution.pk]},
        )


def tell_of_attestation(attestation: Attestation) -> None:
    """The improvement leads to the statement that proves it."""
    link_lineage(
        src=improvement_node(attestation.improvement),
        dst=NodeRef(
            f"att_{attestation.statement_id}",
            NodeKind.ATTESTATION,
            f"attestation {attestation.statement_id[:8]}…",
            attestation.project,
        ),
        kind=EdgeKind.ATTESTED,
    )
