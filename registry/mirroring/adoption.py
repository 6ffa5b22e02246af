"""The SQL that makes versions of a project out of rows of the mirror, in the order given."""

from registry.models import VersionMetric, VersionTag

_LINKS = """
WITH links AS MATERIALIZED (
    SELECT (row->>'tracked')::bigint AS tracked, row->>'public_id' AS public_id,
           (row->>'model')::bigint AS model, (row->>'number')::int AS number,
           row->>'label' AS label
    FROM registry_trackingintake WHERE batch = %(batch)s
)
"""
_LIMITS = {
    "@TAG_KEY@": VersionTag._meta.get_field("key").max_length,  # noqa: SLF001
    "@TAG_VALUE@": VersionTag._meta.get_field("value").max_length,  # noqa: SLF001
    "@METRIC_KEY@": VersionMetric._meta.get_field("key").max_length,  # noqa: SLF001
    "@MAX_TAGS@": 200,
}


def _of_links(body: str) -> str:
    for name, limit in _LIMITS.items():
        body = body.replace(name, str(limit))
    return _LINKS + body


# A logged model's id never names other bytes; a number may, once its model is made anew.
VERSIONS = _of_links(
    """
, made AS (
    INSERT INTO registry_modelversion
        (public_id, project_id, model_id, number, description, stage, artifact_state,
         artifact_error, sync_state, source, run_id, tree_digest, flavor, signature, metrics,
         parameters, mlflow_name, mlflow_version, mlflow_note, identity_digest, origin,
         code_revision, licence, security_level, card, requirements, registered_by_id)
    SELECT l.public_id, %(project)s, l.model, l.number, t.description, 'none', 'pending',
           '', %(sync_state)s,
           CASE WHEN t.source LIKE 'models:/m-%%' THEN left(t.source, 500)
                ELSE 'models:/' || t.name || '/' || t.number END,
           t.run_id, '', '', '{}', t.metrics, t.parameters, t.name, t.number::text, '', '',
           %(origin)s, '', '', 'internal', '', '[]', %(registered_by)s
    FROM links l JOIN registry_trackedversion t ON t.id = l.tracked
    ORDER BY l.tracked
    RETURNING id, public_id
), linked AS (
    UPDATE registry_trackedversion t
    SET state = 'linked', version_id = m.id,
        snapshot = jsonb_build_object('description', t.description, 'tags', t.tags,
                                      'aliases', a.names, 'kept', a.names)
    FROM links l JOIN made m ON m.public_id = l.public_id
    JOIN registry_trackedversion old ON old.id = l.tracked
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(e.key), '[]') AS names
        FROM registry_trackedmodel tm CROSS JOIN LATERAL jsonb_each_text(tm.aliases) e
        WHERE tm.server = old.server AND tm.name = old.name AND e.value = old.number::text
    ) a
    WHERE t.id = l.tracked
)
SELECT id FROM made ORDER BY id
"""
)
_TAGS = _of_links(
    """
INSERT INTO registry_versiontag (version_id, key, value, kind)
SELECT t.version_id, e.key, e.value, 'text'
FROM links l JOIN registry_trackedversion t ON t.id = l.tracked
CROSS JOIN LATERAL (
    SELECT key, value FROM jsonb_each_text(t.tags)
    WHERE key NOT LIKE 'hokusai.%%' AND key NOT LIKE 'mlflow.%%' AND key <> ''
      AND length(key) <= @TAG_KEY@ AND length(value) <= @TAG_VALUE@
    ORDER BY key LIMIT @MAX_TAGS@
) e
ON CONFLICT (version_id, key) DO NOTHING
"""
)
_METRICS = _of_links(
    """
INSERT INTO registry_versionmetric (version_id, key, value)
SELECT t.version_id, e.key, (e.value #>> '{}')::float8
FROM links l JOIN registry_trackedversion t ON t.id = l.tracked
CROSS JOIN LATERAL jsonb_each(t.metrics) e
WHERE jsonb_typeof(e.value) = 'number' AND length(e.key) <= @METRIC_KEY@
ON CONFLICT (version_id, key) DO NOTHING
"""
)
_NODES = _of_links(
    """
INSERT INTO registry_lineagenode (public_id, kind, label, project_id, model_id)
SELECT l.public_id, 'version', l.label, %(project)s, l.model FROM links l
UNION ALL
SELECT DISTINCT ON (t.run_id) 'run_' || t.run_id, 'run', 'run ' || left(t.run_id, 8),
       %(project)s::bigint, NULL::bigint
FROM links l JOIN registry_trackedversion t ON t.id = l.tracked WHERE t.run_id <> ''
ON CONFLICT (public_id) DO NOTHING
"""
)
_EDGES = _of_links(
    """
INSERT INTO registry_lineageedge (src_id, dst_id, kind, attributes)
SELECT run.id, version.id, 'produced_by', '{}'
FROM links l JOIN registry_trackedversion t ON t.id = l.tracked
JOIN registry_lineagenode run ON run.public_id = 'run_' || t.run_id
JOIN registry_lineagenode version ON version.public_id = l.public_id
WHERE t.run_id <> ''
ON CONFLICT (src_id, dst_id, kind) DO NOTHING
"""
)
BELONGINGS = (_TAGS, _METRICS, _NODES, _EDGES)

UNCOPIED = """
SELECT v.id FROM registry_modelversion v JOIN registry_trackedversion t ON t.version_id = v.id
WHERE t.server = %(server)s AND v.origin = 'imported' AND v.artifact_state = 'pending'
  AND NOT EXISTS (SELECT 1 FROM core_job j WHERE j.kind = %(kind)s AND j.subject = v.public_id)
ORDER BY v.id
"""
COPIES = """
INSERT INTO core_job (public_id, kind, subject, subject_label, project_id, status, attempt, token,
                      last_error, progress, log, cancel_requested, request_id, run_after)
SELECT i.row->>'public_id', %(kind)s, v.public_id,
       left(m.model_id || ' v' || v.number, 200), v.project_id, 'queued', 0, 0, '', 0, '', false,
       '', now() + make_interval(secs => (i.row->>'place')::int)
FROM registry_trackingintake i
JOIN registry_modelversion v ON v.id = (i.row->>'version')::bigint
JOIN registry_model m ON m.id = v.model_id
WHERE i.batch = %(batch)s
ON CONFLICT DO NOTHING
"""
