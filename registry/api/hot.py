"""Reading one version on the fast way: one prepared statement, no model instance, no serializer."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from hokusai.web.hot import HotCall, HotRoute, not_found
from hokusai.web.prepared import fetch_row
from hokusai.web.views import MODEL_ID

# A JSON column comes as text and goes out as it is.
VERSION = """
SELECT v.public_id, m.model_id, v.number, v.description, v.stage, v.artifact_state,
  v.artifact_error, v.sync_state, v.source, v.run_id, v.tree_digest, v.size_bytes, v.file_count,
  v.flavor, v.signature::text, v.metrics::text, v.parameters::text,
  (SELECT coalesce(jsonb_object_agg(t.key, CASE t.kind WHEN 'number' THEN to_jsonb(t.number)
       WHEN 'boolean' THEN to_jsonb(t.number <> 0) ELSE to_jsonb(t.value) END), '{}')::text
     FROM registry_versiontag t WHERE t.version_id = v.id),
  CASE WHEN p.model_id = v.model_id THEN p.number END,
  CASE WHEN p.project_id = v.project_id THEN p.public_id END,
  v.mlflow_name, v.mlflow_version, v.origin, v.licence, v.security_level, v.code_revision,
  v.identity_digest, w.number, s.public_id, v.deprecated_at, v.sunset_at, u.username, v.created_at
FROM registry_model m
JOIN registry_modelversion v ON v.model_id = m.id
JOIN accounts_user u ON u.id = v.registered_by_id
LEFT JOIN registry_modelversion p ON p.id = v.parent_id
LEFT JOIN registry_modelversion w ON w.id = v.twin_of_id
LEFT JOIN registry_modelversion s ON s.id = v.successor_id
WHERE m.model_id = %s AND v.number = %s AND m.project_id = %s
"""
# As ModelVersionSerializer answers, in its order.
FIELDS = (
    "id",
    "model_id",
    "number",
    "description",
    "stage",
    "artifact_state",
    "artifact_error",
    "sync_state",
    "source",
    "run_id",
    "tree_digest",
    "size_bytes",
    "file_count",
    "flavor",
    "signature",
    "metrics",
    "parameters",
    "tags",
    "parent",
    "parent_id",
    "mlflow_name",
    "mlflow_version",
    "origin",
    "licence",
    "security_level",
    "code_revision",
    "identity_digest",
    "twin_of",
    "successor",
    "deprecated_at",
    "sunset_at",
    "registered_by",
    "created_at",
)
JSON_FIELDS = frozenset({"signature", "metrics", "parameters", "tags"})


def version_body(model_id: str, number: int, project_id: int) -> bytes:
    """The JSON of one version of a model in a project. Raises NotFound."""
    row = fetch_row(VERSION, (model_id, number, project_id))
    if row is None:
        raise not_found()
    return orjson.dumps(_named(row), option=orjson.OPT_UTC_Z)


class VersionRoute(HotRoute):
    """GET /api/v1/models/{model_id}/versions/{n}"""

    name = "version"
    method = "GET"
    pattern = re.compile(rf"({MODEL_ID})/versions/([1-9][0-9]{{0,8}})")
    scope = "read"

    def answer(self, call: HotCall) -> bytes:
        return version_body(call.path[0], int(call.path[1]), call.caller.project_id)


def _named(row: Sequence[Any]) -> dict[str, Any]:
    return {
        field: orjson.Fragment(value) if field in JSON_FIELDS else value
        for field, value in zip(FIELDS, row, strict=True)
    }
