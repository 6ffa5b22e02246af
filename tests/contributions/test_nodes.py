import pytest

from contributions import nodes
from registry.models import LineageEdge, LineageNode
from tests.factories import AttestationFactory, ContributionFactory, ImprovementFactory

pytestmark = pytest.mark.django_db


def edges() -> set[tuple[str, str, str]]:
    found = LineageEdge.objects.select_related("src", "dst")
    return {(edge.src.public_id, edge.kind, edge.dst.public_id) for edge in found}


def test_a_person_leads_to_a_contribution_and_it_to_its_rows() -> None:
    contribution = ContributionFactory()
    nodes.tell_of_contribution(contribution)
    nodes.tell_of_contribution(contribution)
    person = contribution.wallet.contributor
    assert edges() == {
        (person.public_id, "given_by", contribution.public_id),
        (contribution.public_id, "given_as", contribution.dataset_version.public_id),
    }
    assert LineageNode.objects.get(public_id=person.public_id).project is None
    own = LineageNode.objects.get(public_id=contribution.public_id)
    assert own.project == contribution.project
    assert contribution.wallet.address not in own.label


def test_a_comparison_and_each_share_lead_to_the_improvement() -> None:
    improvement = ImprovementFactory()
    anna, ben = (ContributionFactory(model=improvement.model) for _ in range(2))
    nodes.tell_of_improvement(improvement, {anna.pk: 6_000, ben.pk: 4_000})
    into = LineageEdge.objects.filter(dst__public_id=improvement.public_id)
    found = {edge.src.public_id: (edge.kind, edge.attributes) for edge in into}
    assert found == {
        improvement.comparison.public_id: (
            "improved",
            {"delta_ppm": 50_000, "metric": "accuracy", "contributors": 2},
        ),
        anna.public_id: ("credited", {"basis_points": 6_000}),
        ben.public_id: ("credited", {"basis_points": 4_000}),
    }


def test_the_improvement_leads_to_its_attestation() -> None:
    attestation = AttestationFactory()
    nodes.tell_of_attestation(attestation)
    own = attestation.improvement.public_id
    assert edges() == {(own, "attested", f"att_{attestation.statement_id}")}
