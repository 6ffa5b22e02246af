import csv
import io
from typing import Any

import pytest

from registry.choices import EdgeKind, NodeKind
from tests.factories import (
    DatasetVersionFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    UserFactory,
    api_key,
    client_as,
    client_of,
)
from tests.lineages import Line, link, point

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> Line:
    """v1 -> v2 -> v3 (the head), v2 measured better than v1."""
    found = Line(ProjectFactory())
    for _ in range(3):
        found.version()
    improvement = found.improvement("one", baseline=1, candidate=2, delta_ppm=12_500)
    found.credit(improvement, "anna", 10_000)
    found.model.head = found.versions[1]
    found.model.save()
    return found


def get(line: Line, path: str, **query: Any) -> Any:
    return client_as(line.project).get(f"/api/v1/{path}", query)


def test_nodes_and_edges_come_in_pages(line: Line) -> None:
    path = f"lineage/{line.versions[0].public_id}"
    seen: dict[str, list[Any]] = {"nodes": [], "edges": []}
    for kind, address in (("nodes", path), ("edges", f"{path}/edges")):
        cursor = ""
        while True:
            answer = get(line, address, limit=2, cursor=cursor, direction="descendants").json()
            assert len(answer[kind]) <= 2
            seen[kind] += answer[kind]
            if not (cursor := answer["next_cursor"]):
                break
    assert seen["nodes"][0]["id"] == line.versions[0].public_id
    assert len(seen["nodes"]) == 5
    assert len(seen["edges"]) == 5


def test_kinds_are_separated_by_commas_and_known(line: Line) -> None:
    path = f"lineage/{line.versions[0].public_id}"
    answer = get(line, path, kinds="comparison,improvement").json()
    assert [node["kind"] for node in answer["nodes"]] == ["version", "comparison", "improvement"]
    assert get(line, path, kinds="comparison,nonsense").status_code == 400
    assert get(line, path, cursor="nonsense").status_code == 400
    assert get(line, path, limit=0).status_code == 400


def test_what_one_may_not_see_has_no_lineage(line: Line) -> None:
    table = DatasetVersionFactory(dataset__project=line.project)
    stranger = client_of(UserFactory())
    for path in (
        f"lineage/{line.versions[0].public_id}",
        f"lineage/{line.versions[0].public_id}/edges",
        f"lineage/{line.versions[0].public_id}/downstream",
        "lineage/imp_one",
        "lineage/mdv_00000000000000000000000000000000",
        f"models/{line.model.model_id}/gain",
        f"datasets/{table.dataset.public_id}/versions/1/used-by",
    ):
        assert stranger.get(f"/api/v1/{path}").status_code == 404


def test_a_version_without_an_edge_is_a_graph_of_its_own() -> None:
    version = ModelVersionFactory()
    client = client_as(version.project)
    answer = client.get(f"/api/v1/lineage/{version.public_id}").json()
    assert [node["id"] for node in answer["nodes"]] == [version.public_id]
    edges = client.get(f"/api/v1/lineage/{version.public_id}/edges").json()
    assert edges == {"edges": [], "next_cursor": ""}


def test_a_key_of_one_project_sees_nothing_of_its_owners_other_projects(line: Line) -> None:
    key, secret = api_key(ProjectFactory())
    client = client_of(UserFactory())
    client.force_authenticate(None)
    line.project.memberships.create(user=key.owner, role="owner")
    answer = client.get(
        f"/api/v1/lineage/{line.versions[0].public_id}", headers={"X-API-Key": secret}
    )
    assert answer.status_code == 404


def test_downstream_counts_by_kind_and_is_cut_where_asked(line: Line) -> None:
    answer = get(line, f"lineage/{line.versions[0].public_id}/downstream", limit=2).json()
    assert answer["counts"] == {"comparison": 1, "improvement": 1, "version": 2}
    assert [one["distance"] for one in answer["reached"]] == [1, 1]
    assert answer["truncated"] is True


def test_used_by_flags_direct_use(line: Line) -> None:
    table = DatasetVersionFactory(dataset__project=line.project)
    rows = point(NodeKind.DATASET, table.public_id, line.project)
    link(rows, line.points[1], EdgeKind.TRAINED_ON)
    path = f"datasets/{table.dataset.public_id}/versions/{table.number}/used-by"
    answer = get(line, path).json()
    assert [(use["version"]["id"], use["direct"]) for use in answer["uses"]] == [
        (line.versions[1].public_id, True),
        (line.versions[2].public_id, False),
    ]
    assert answer["uses"][1]["through"]["id"] == line.versions[1].public_id


def test_the_gain_is_told_to_the_head_or_to_the_version_asked_for(line: Line) -> None:
    path = f"models/{line.model.model_id}/gain"
    answer = get(line, path).json()
    assert answer["version"]["id"] == line.versions[1].public_id
    (step,) = answer["steps"]
    assert (step["state"], step["delta_ppm"], step["metric"]) == ("measured", 12_500, "accuracy")
    assert step["credits"][0]["contributor"]["id"] == "cbr_anna"
    assert answer["totals"] == {"accuracy": 12_500}
    assert "no measurement" in answer["note"]
    later = get(line, path, version=3).json()
    assert [step["state"] for step in later["steps"]] == ["measured", "unmeasured"]
    assert get(line, path, version=9).status_code == 404


def test_a_model_without_versions_has_no_gain_yet() -> None:
    model = ModelFactory()
    client = client_as(model.project)
    answer = client.get(f"/api/v1/models/{model.model_id}/gain")
    assert answer.json()["steps"] == []
    table = client.get(f"/api/v1/models/{model.model_id}/gain", {"export": "csv"})
    assert table.content.decode().startswith("step,from,to")


def _question(line: Line, name: str) -> str:
    if name == "gain":
        return f"models/{line.model.model_id}/gain"
    if name == "downstream":
        return f"lineage/{line.versions[0].public_id}/downstream"
    table = DatasetVersionFactory(dataset__project=line.project)
    rows = point(NodeKind.DATASET, table.public_id, line.project)
    link(rows, line.points[0], EdgeKind.TRAINED_ON)
    return f"datasets/{table.dataset.public_id}/versions/{table.number}/used-by"


@pytest.mark.parametrize("name", ["gain", "downstream", "used-by"])
def test_every_question_is_answered_as_a_table_and_as_prov(line: Line, name: str) -> None:
    path = _question(line, name)
    table = get(line, path, export="csv")
    assert table["Content-Type"].startswith("text/csv")
    assert len(list(csv.reader(io.StringIO(table.content.decode())))) > 1
    prov = get(line, path, export="prov-json")
    assert prov["Content-Type"] == "application/json"
    assert prov.json()["prefix"]["hokusai"] == "urn:hokusai:"
    assert f"hokusai:{line.versions[0].public_id}" in prov.json()["entity"]
    assert get(line, path, export="xml").status_code == 400
