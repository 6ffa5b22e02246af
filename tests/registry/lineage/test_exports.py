from typing import Any

import pytest

from hokusai.accounts.models import Project, User
from registry.choices import EdgeKind, NodeKind
from registry.lineage import downstream_of, exports, gain_of, lineage_of, used_by, viewer_of
from tests.factories import ProjectFactory
from tests.lineages import Line, link, point

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(project: Project) -> Line:
    """v1 -> v2, better by what anna gave, proven and served."""
    found = Line(project)
    first, second = found.version(), found.version()
    improvement = found.improvement("one", baseline=1, candidate=2, delta_ppm=12_500)
    found.credit(improvement, "anna", 10_000)
    link(improvement, point(NodeKind.ATTESTATION, "att_1", project), EdgeKind.ATTESTED)
    link(point(NodeKind.RUN, "run_1", project), second, EdgeKind.PRODUCED_BY)
    link(point(NodeKind.DATASET, "dsv_1", project), first, EdgeKind.TRAINED_ON)
    link(second, point(NodeKind.DEPLOYMENT, "dep_1", project), EdgeKind.SERVED_BY, revision=1)
    link(point(NodeKind.VERSION, "mdv_other", project), second, EdgeKind.USES)
    return found


def document(line: Line, user: User) -> dict[str, Any]:
    return exports.prov_document(lineage_of(public_id=line.versions[0].public_id, user=user))


def test_prov_declares_its_prefix_as_a_urn_and_names_everything_by_it(
    line: Line, engineer: User
) -> None:
    found = document(line, engineer)
    assert found["prefix"]["hokusai"] == "urn:hokusai:"
    for section in ("entity", "activity", "agent"):
        assert all(name.startswith("hokusai:") for name in found[section])
    version = found["entity"][f"hokusai:{line.versions[0].public_id}"]
    assert version == {
        "prov:type": {"$": "hokusai:version", "type": "xsd:QName"},
        "prov:label": str(line.versions[0]),
        "hokusai:project": line.project.slug,
    }


def test_prov_tells_things_activities_and_persons_apart(line: Line, engineer: User) -> None:
    graph = gain_of(line.versions[1], viewer_of(engineer)).graph
    found = exports.prov_document(graph)
    assert set(found["agent"]) == {"hokusai:cbr_anna"}
    assert set(found["activity"]) == {"hokusai:cmp_one"}
    assert {"hokusai:imp_one", "hokusai:att_1", "hokusai:ctr_anna"} <= set(found["entity"])


def _ends(relations: dict[str, dict[str, Any]], *roles: str) -> set[tuple[str, ...]]:
    return {
        tuple(relation[role].removeprefix("hokusai:") for role in roles)
        for relation in relations.values()
    }


def test_prov_relates_by_the_words_of_the_standard(line: Line, engineer: User) -> None:
    first, second = (version.public_id for version in line.versions)
    found = document(line, engineer)
    derived = _ends(found["wasDerivedFrom"], "prov:generatedEntity", "prov:usedEntity")
    assert {(second, first), (first, "dsv_1"), ("att_1", "imp_one")} <= derived
    used = _ends(found["used"], "prov:activity", "prov:entity")
    assert used == {("cmp_one", first), ("cmp_one", second), ("dep_1", second)}
    generated = _ends(found["wasGeneratedBy"], "prov:entity", "prov:activity")
    assert generated == {("imp_one", "cmp_one")}
    graph = gain_of(line.versions[1], viewer_of(engineer)).graph
    credited = exports.prov_document(graph)
    attributed = _ends(credited["wasAttributedTo"], "prov:entity", "prov:agent")
    assert attributed == {("ctr_anna", "cbr_anna")}


def test_prov_keeps_a_relation_of_another_kind_as_an_influence(line: Line, engineer: User) -> None:
    graph = lineage_of(public_id=line.versions[1].public_id, user=engineer)
    found = exports.prov_document(graph)
    influenced = _ends(found["wasInfluencedBy"], "prov:influencee", "prov:influencer")
    assert influenced == {(line.versions[1].public_id, "mdv_other")}
    assert ("hokusai:run_1") in found["activity"]


def test_every_end_of_a_relation_is_described(line: Line, engineer: User) -> None:
    found = document(line, engineer)
    known = {*found["entity"], *found["activity"], *found["agent"]}
    sections = set(found) - {"prefix", "entity", "activity", "agent"}
    for section in sections:
        for name, relation in found[section].items():
            assert name.startswith("_:")
            ends = [v for k, v in relation.items() if k.startswith("prov:") and k != "prov:type"]
            assert len(ends) == 2
            assert set(ends) <= known


def test_prov_says_what_an_edge_states_unless_it_is_hidden(line: Line, engineer: User) -> None:
    (generated,) = document(line, engineer)["wasGeneratedBy"].values()
    assert generated["hokusai:delta_ppm"] == 12_500
    link(line.points[1], point(NodeKind.VERSION, "mdv_secret", ProjectFactory()), EdgeKind.PARENT)
    assert "secret" not in str(document(line, engineer))


def test_tables_have_a_row_for_each_thing_and_each_credit(line: Line, engineer: User) -> None:
    uses = exports.uses_table(used_by(public_id="dsv_1", user=engineer))
    assert [row[3] for row in uses.rows] == ["direct", "through a parent"]
    reached = exports.downstream_table(downstream_of(public_id="dsv_1", user=engineer))
    assert ("att_1", "attestation", "name of att_1", line.project.slug, 4) in reached.rows
    gain = exports.gain_table(gain_of(line.versions[1], viewer_of(engineer)))
    (row,) = (dict(zip(gain.headers, found, strict=True)) for found in gain.rows)
    assert (row["delta_ppm"], row["contributor"], row["basis_points"], row["attestation"]) == (
        12_500,
        "name of cbr_anna",
        10_000,
        "att_1",
    )


def test_a_step_that_credits_nobody_has_a_row_of_its_own(project: Project, engineer: User) -> None:
    line = Line(project)
    line.version()
    line.version()
    gain = exports.gain_table(gain_of(line.versions[1], viewer_of(engineer)))
    assert [row[3] for row in gain.rows] == ["unmeasured"]
