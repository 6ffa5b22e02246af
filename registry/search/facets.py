"""How many versions of a search there are of each kind; capped, and honest about it."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from registry.search.criteria import VersionSearch
from registry.search.sql import matching
from registry.search.viewers import Viewer

CAP = 10_000
VALUES_SHOWN = 20
TAG_KEYS_SHOWN = 20
TAG_VALUES_SHOWN = 10
COLUMNS = ("stage", "flavor", "licence", "security_level")

_COUNTED = """
WITH matched AS MATERIALIZED ({keys}), kept AS MATERIALIZED (
    SELECT id FROM matched ORDER BY id DESC LIMIT %s
), shown AS MATERIALIZED (
    SELECT v.id, v.stage, v.flavor, v.licence, v.security_level, v.project_id, v.model_id
    FROM kept JOIN registry_modelversion v ON v.id = kept.id
), tags AS MATERIALIZED (
    SELECT t.key, t.value, count(*) AS n
    FROM kept CROSS JOIN LATERAL (
        SELECT key, value FROM registry_versiontag WHERE version_id = kept.id OFFSET 0
    ) t GROUP BY t.key, t.value
), keys AS (
    SELECT key, sum(n) AS n FROM tags GROUP BY key ORDER BY n DESC, key LIMIT %s
), counted(name, value, n) AS (
    SELECT 'total', '', count(*) FROM shown
    UNION ALL SELECT 'more', '', count(*) FROM matched
    {columns}
    UNION ALL SELECT 'project', p.slug, c.n FROM (
        SELECT project_id, count(*) AS n FROM shown GROUP BY project_id) c
        JOIN accounts_project p ON p.id = c.project_id
    UNION ALL SELECT 'model', m.model_id, c.n FROM (
        SELECT model_id, count(*) AS n FROM shown GROUP BY model_id
        ORDER BY n DESC, model_id LIMIT %s) c
        JOIN registry_model m ON m.id = c.model_id
    UNION ALL SELECT 'tag', key, n FROM keys
    UNION ALL SELECT 'tag:' || k.key, t.value, t.n FROM keys k CROSS JOIN LATERAL (
        SELECT value, n FROM tags WHERE tags.key = k.key ORDER BY n DESC, value LIMIT %s) t
)
SELECT name, value, n FROM counted ORDER BY name, n DESC, value
"""
_COLUMN = "UNION ALL SELECT '{0}', {0}, count(*) FROM shown GROUP BY {0}"


@dataclass(frozen=True, slots=True)
class Count:
    """So many versions have this value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class TagCounts:
    """So many versions carry this tag, and with which values most."""

    key: str
    count: int
    values: list[Count]


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over the newest 10,000 matches; `at_least`: there are more than were counted."""

    total: int
    at_least: bool
    counts: dict[str, list[Count]]
    tags: list[TagCounts]


def facets_of(search: VersionSearch, viewer: Viewer) -> Facets:
    """What one may narrow a search by; visibility and filters as for the search itself."""
    keys = matching(search, viewer, newest=CAP + 1)
    columns = " ".join(_COLUMN.format(name) for name in COLUMNS)
    # One match more than the cap tells that there are more; it is not counted.
    text = _COUNTED.format(keys=keys.text, columns=columns)
    values = (*keys.values, CAP, TAG_KEYS_SHOWN, VALUES_SHOWN, TAG_VALUES_SHOWN)
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return _facets(cursor.fetchall())


def _facets(rows: list[tuple[str, str, Any]]) -> Facets:
    named: dict[str, list[Count]] = {}
    for name, value, number in rows:
        named.setdefault(name, []).append(Count(value, int(number)))
    tags = [
        TagCounts(one.value, one.count, named.get(f"tag:{one.value}", []))
        for one in named.get("tag", [])
    ]
    counts = {name: named.get(name, [])[:VALUES_SHOWN] for name in (*COLUMNS, "project", "model")}
    total = named["total"][0].count
    return Facets(total, named["more"][0].count > total, counts, tags)
