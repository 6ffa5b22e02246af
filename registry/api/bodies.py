"""A version as it is answered, from SQL: no model instance, no serializer."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from hokusai.core.errors import InvalidInput
from hokusai.core.prepared import fetch_row, fetch_rows
from hokusai.web.hot import HotAnswer, not_found
from hokusai.web.retired import retirement_headers
from registry.search import VersionSearch, Viewer, cursor_after, keys_of

# As ModelVersionSerializer answers, in its order; a JSON column comes as text and goes out so.
COLUMNS = {
    "id": "v.public_id",
    "model_id": "m.model_id",
    "number": "v.number",
    "description": "v.description",
    "stage": "v.stage",
    "artifact_state": "v.artifact_state",
    "artifact_error": "v.artifact_error",
    "sync_state": "v.sync_state",
    "source": "v.source",
    "run_id": "v.run_id",
    "tree_digest": "v.tree_digest",
    "size_bytes": "v.size_bytes",
    "file_count": "v.file_count",
    "flavor": "v.flavor",
    "signature": "v.signature::text",
    "metrics": "v.metrics::text",
    "parameters": "v.parameters::text",
    "tags": "(SELECT coalesce(jsonb_object_agg(t.key, t.value), '{}')::text"
    " FROM registry_versiontag t WHERE t.version_id = v.id)",
    "parent": "CASE WHEN p.model_id = v.model_id THEN p.number END",
    # As in the serializer: of another project's parent, only the lineage tells.
    "parent_id": "CASE WHEN p.project_id = v.project_id THEN p.public_id END",
    "mlflow_name": "v.mlflow_name",
    "mlflow_version": "v.mlflow_version",
    "origin": "v.origin",
    "licence": "v.licence",
    "security_level": "v.security_level",
    "code_revision": "v.code_revision",
    "identity_digest": "v.identity_digest",
    # Few have them: looked up where there is one, not joined.
    "twin_of": "(SELECT number FROM registry_modelversion WHERE id = v.twin_of_id)",
    "successor": "(SELECT public_id FROM registry_modelversion WHERE id = v.successor_id)",
    "deprecated_at": "v.deprecated_at",
    "sunset_at": "v.sunset_at",
    "registered_by": "u.username",
    "created_at": "v.created_at",
}
FIELDS = tuple(COLUMNS)
JSON_FIELDS = frozenset({"signature", "metrics", "parameters", "tags"})
_JOINS = """
JOIN accounts_user u ON u.id = v.registered_by_id
LEFT JOIN registry_modelversion p ON p.id = v.parent_id
"""
_RETIRED = ", v.deprecated_at, v.sunset_at, s.number, sm.model_id"
_SUCCESSOR = """
LEFT JOIN registry_modelversion s ON s.id = v.successor_id
LEFT JOIN registry_model sm ON sm.id = s.model_id
"""
_SEEN = """
(%s OR m.project_id = ANY(%s) OR EXISTS (
  SELECT 1 FROM registry_modelshare h
  WHERE h.model_id = m.id AND (h.project_id IS NULL OR h.project_id = ANY(%s))
))
"""
# What is restricted is never shared.
_VERSION_SEEN = _SEEN.replace("EXISTS", "v.security_level <> 'restricted' AND EXISTS")
PRODUCTION, LATEST = "production", "latest"
_WHICH = {
    "": "registry_model m JOIN registry_modelversion v ON v.model_id = m.id AND v.number = %s",
    PRODUCTION: "registry_model m"
    " JOIN registry_modelversion v ON v.model_id = m.id AND v.stage = 'production'",
    LATEST: "registry_model m CROSS JOIN LATERAL (SELECT * FROM registry_modelversion"
    " WHERE model_id = m.id ORDER BY number DESC LIMIT 1) v",
}


def version_statement(fields: Sequence[str], which: str = "") -> str:
    """One version of a model by number, the one in production, or the latest.

    Placeholders: the number, where none of the two is asked for; model id; what may be seen.
    """
    columns = ", ".join(COLUMNS[name] for name in fields)
    return (
        f"SELECT {columns}{_RETIRED} FROM {_WHICH[which]}{_JOINS}{_SUCCESSOR}"
        f"WHERE m.model_id = %s AND {_VERSION_SEEN}"
    )


_STATEMENTS = {which: version_statement(FIELDS, which) for which in ("", PRODUCTION, LATEST)}


def version_answer(
    model_id: str, which: str, viewer: Viewer, fields: Sequence[str] = FIELDS
) -> HotAnswer:
    """One version with what its retirement says; `which`: a number, `production` or `latest`.

    Raises NotFound.
    """
    named = which if which in (PRODUCTION, LATEST) else ""
    statement = _STATEMENTS[named] if fields is FIELDS else version_statement(fields, named)
    seen = (viewer.everything, list(viewer.projects), list(viewer.own))
    number = () if named else (int(which),)
    row = fetch_row(statement, (*number, model_id, *seen))
    if row is None:
        raise not_found()
    *values, deprecated_at, sunset_at, successor, of_model = row
    body = orjson.dumps(_named(fields, values), option=orjson.OPT_UTC_Z)
    path = f"/api/v1/models/{of_model}/versions/{successor}" if successor else ""
    return HotAnswer(body, retirement_headers(deprecated_at, sunset_at, path))


def rows_statement(fields: Sequence[str]) -> str:
    """Versions by their keys, which are its one placeholder, in the order of these."""
    columns = ", ".join(COLUMNS[name] for name in fields)
    return (
        f"SELECT {columns} FROM unnest(%s::bigint[]) WITH ORDINALITY f(id, place)"
        " JOIN registry_modelversion v ON v.id = f.id"
        f" JOIN registry_model m ON m.id = v.model_id{_JOINS} ORDER BY f.place"
    )


_ROWS = rows_statement(FIELDS)


def page_body(
    search: VersionSearch, viewer: Viewer, fields: Sequence[str] = FIELDS
) -> tuple[list[dict[str, Any]], str]:
    """Versions of one page as they are answered, and the cursor of the next; empty at the end."""
    keys = keys_of(search, viewer, limit=search.size + 1)
    found = fetch_rows(keys.text, keys.values, replan=True)
    if not found:
        return [], ""
    shown = found[: search.size]
    statement = _ROWS if fields is FIELDS else rows_statement(fields)
    rows = fetch_rows(statement, ([key for key, _, _ in shown],))
    following = ""
    if len(found) > search.size:
        _, public_id, sort = shown[-1]
        following = cursor_after(search, public_id, sort)
    return [_named(fields, row) for row in rows], following


def chosen_fields(wanted: Iterable[str]) -> Sequence[str]:
    """Fields to answer, in the usual order. Raises InvalidInput for one that no version has."""
    names = {name for text in wanted for name in text.split(",") if name}
    if not names:
        return FIELDS
    if unknown := sorted(names - set(FIELDS)):
        message = f"Unknown: {', '.join(unknown)}."
        raise InvalidInput(f"fields: {message}", fields={"fields": [message]})
    return tuple(name for name in FIELDS if name in names)


def is_visible(model_id: str, viewer: Viewer) -> bool:
    """Whether somebody may know of a model."""
    seen = (viewer.everything, list(viewer.projects), list(viewer.own))
    statement = f"SELECT 1 FROM registry_model m WHERE m.model_id = %s AND {_SEEN}"
    return fetch_row(statement, (model_id, *seen)) is not None


def _named(fields: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return {
        field: orjson.Fragment(value) if field in JSON_FIELDS else value
        for field, value in zip(fields, values, strict=True)
    }
