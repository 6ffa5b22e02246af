"""Every hot query keeps to its index, with the values it is sent with and prepared without them."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from bench.fill import fill_versions
from registry.api.bodies import FIELDS, rows_statement, version_statement
from registry.models import VersionMetric
from registry.search import (
    facets_of,
    keys_of,
    matching,
    read_search,
    viewer_of_key,
    viewer_of_person,
)
from tests.factories import ProjectFactory, UserFactory, member

pytestmark = pytest.mark.django_db
MODELS = 400
BIG = ("registry_modelversion", "registry_versiontag", "registry_versionmetric")


@pytest.fixture(scope="module", autouse=True)
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """20,000 versions with five tags and a metric each; a second project has a few.

    They are there for the whole module: ANALYZE in a transaction would be rolled back with it.
    """
    with django_db_blocker.unblock():
        filled = _fill()
    yield filled
    with django_db_blocker.unblock():
        call_command("flush", verbosity=0, interactive=False)


def _fill() -> dict[str, Any]:
    project, owner = ProjectFactory(slug="bench"), UserFactory()
    fill_versions(project, owner, models=MODELS)
    other = ProjectFactory(slug="other")
    fill_versions(other, owner, models=4, line="other-", mark="0a")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_versionmetric (version_id, key, value)"
            " SELECT id, 'f1', random() FROM registry_modelversion"
        )
        for table in (*BIG, "registry_model", "registry_modelshare"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    assert VersionMetric.objects.count() == (MODELS + 4) * 50
    return {"project": project, "other": other}


def plans(text: str, values: Any, *, replan: bool = False) -> list[dict[str, Any]]:
    """Nodes of the plan with values, and of the one that a prepared statement settles on."""
    count = itertools.count(1)
    prepared = re.sub("%s", lambda _: f"${next(count)}", text)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {text}", values)
        nodes = _nodes(_read(cursor.fetchone()[0]))
        if not replan:
            cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {prepared}")
            nodes += _nodes(_read(cursor.fetchone()[0]))
    return nodes


def _read(plan: Any) -> Any:
    stated = json.loads(plan) if isinstance(plan, str) else plan
    return stated[0]["Plan"]


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(inner for child in node.get("Plans", []) for inner in _nodes(child))]


def require(nodes: list[dict[str, Any]], *indexes: str) -> None:
    read_whole = {
        node["Relation Name"]
        for node in nodes
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG
    }
    assert read_whole == set()
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    missing = [name for name in indexes if not any(one.startswith(name) for one in used)]
    assert missing == [], used


def searched(viewer: Any, **given: Any) -> list[dict[str, Any]]:
    asked = {name: [value] if isinstance(value, str) else value for name, value in given.items()}
    return plans(*_sql(keys_of(read_search(asked), viewer, limit=51)), replan=True)


def test_one_version_is_found_by_model_and_number(rows: dict[str, Any]) -> None:
    seen = (False, [rows["project"].pk], [rows["project"].pk])
    nodes = plans(version_statement(FIELDS), (12, "bench.model-7", *seen))
    require(nodes, "registry_model_model_id", "version_numbered_once")


def test_what_serves_and_what_is_latest_are_found_by_their_indexes(rows: dict[str, Any]) -> None:
    seen = (False, [rows["project"].pk], [rows["project"].pk])
    serving = plans(version_statement(FIELDS, "production"), ("bench.model-7", *seen))
    assert {"version_one_in_production", "version_serving"} & {
        node.get("Index Name") for node in serving
    }
    require(serving)
    require(
        plans(version_statement(FIELDS, "latest"), ("bench.model-7", *seen)),
        "version_numbered_once",
    )


def test_tags_are_met_in_their_index(rows: dict[str, Any]) -> None:
    tags = ["team=team-7", "framework=framework-2", "task=task-7"]
    nodes = searched(viewer_of_key(rows["project"].pk), tag=tags)
    require(nodes, "tag_search", "registry_modelversion_pkey")


@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({"tag": ["team=team-1", "task=task-1"], "ordering": "oldest"}, "tag_search"),
        ({"metric": "f1>=0.999"}, "metric_search"),
        ({"ordering": "-metric:f1"}, "metric_search"),
        ({"model": "bench.model-7"}, ""),
        ({"model": "bench.model-7", "ordering": "-number"}, ""),
        ({"text": "17"}, "version_words"),
        ({}, ""),
        ({"stage": "production"}, ""),
    ],
)
def test_no_search_reads_a_whole_table(
    rows: dict[str, Any], given: dict[str, Any], index: str
) -> None:
    require(searched(viewer_of_key(rows["project"].pk), **given), *([index] if index else []))


def test_a_small_project_is_not_looked_for_among_all(rows: dict[str, Any]) -> None:
    viewer = viewer_of_key(rows["other"].pk)
    text, values = _sql(keys_of(read_search({}), viewer, limit=51))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", values)
        nodes = _nodes(_read(cursor.fetchone()[0]))
    dropped = max(node.get("Rows Removed by Filter", 0) for node in nodes)
    assert dropped <= 1_000


def test_the_rows_of_a_page_are_found_by_key(rows: dict[str, Any]) -> None:
    nodes = plans(rows_statement(FIELDS), (list(range(1, 51)),))
    require(nodes, "registry_modelversion_pkey", "tag_once")


def test_a_page_reads_little_more_than_it_shows(rows: dict[str, Any]) -> None:
    search = read_search({"tag": ["team=team-7", "framework=framework-2", "task=task-7"]})
    text, values = _sql(keys_of(search, viewer_of_key(rows["project"].pk), limit=51))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", values)
        nodes = _nodes(_read(cursor.fetchone()[0]))
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Join Filter", 0)) * node["Actual Loops"]
        for node in nodes
    )
    assert read < 20_000


def test_people_search_as_keys_do(rows: dict[str, Any]) -> None:
    viewer = viewer_of_person(member(rows["project"]))
    require(searched(viewer, tag=["team=team-7", "task=task-7"]), "tag_search")
    require(searched(viewer), "")


def test_facets_read_no_whole_table_for_few_matches(rows: dict[str, Any]) -> None:
    viewer = viewer_of_key(rows["project"].pk)
    search = read_search({"tag": ["team=team-7", "framework=framework-2"]})
    keys = matching(search, viewer, newest=100)
    require(plans(*_sql(keys), replan=True), "tag_search")
    assert facets_of(search, viewer).total == 200


def _sql(part: Any) -> tuple[str, Any]:
    return part.text, part.values
