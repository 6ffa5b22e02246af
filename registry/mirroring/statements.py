"""The SQL that takes staged rows into the mirror; each statement is safe to repeat."""

_INCOMING = """
WITH incoming AS MATERIALIZED (
    SELECT row->>'public_id' AS public_id,
           row->>'name' AS name,
           (row->>'number')::int AS number,
           (row->>'created_at')::timestamptz AS created_at,
           (row->>'updated_at')::timestamptz AS updated_at,
           row->>'source' AS source,
           row->>'run_id' AS run_id,
           row->>'description' AS description,
           row->'tags' AS tags
    FROM registry_trackingintake WHERE batch = %(batch)s
)
"""
_SAME = """
    t.server = %(server)s AND t.name = i.name AND t.number = i.number
    AND t.created_at = i.created_at
"""


def _of_incoming(body: str) -> str:
    return _INCOMING + body.replace("@SAME@", _SAME)


# An experiment made anew under an old id, on a server that lost its data, inherits no mapping.
EXPERIMENTS = """
INSERT INTO registry_trackedexperiment AS t
    (public_id, server, experiment_id, name, lifecycle, tags, created_at, updated_at)
SELECT row->>'public_id', %(server)s, row->>'experiment_id', row->>'name', row->>'lifecycle',
       row->'tags', (row->>'created_at')::timestamptz, (row->>'updated_at')::timestamptz
FROM registry_trackingintake WHERE batch = %(batch)s
ON CONFLICT (server, experiment_id) DO UPDATE
    SET name = excluded.name, tags = excluded.tags, updated_at = excluded.updated_at,
        created_at = excluded.created_at, lifecycle = excluded.lifecycle, seen_at = now()
    WHERE (t.project_id IS NULL OR t.created_at IS NULL
           OR abs(extract(epoch FROM t.created_at - excluded.created_at)) < 1)
      AND (t.name, t.tags, t.lifecycle, t.updated_at) IS DISTINCT FROM
          (excluded.name, excluded.tags, excluded.lifecycle, excluded.updated_at)
RETURNING id
"""
REMADE = """
UPDATE registry_trackedexperiment t SET lifecycle = 'remade'
FROM registry_trackingintake i
WHERE i.batch = %(batch)s AND t.server = %(server)s AND t.project_id IS NOT NULL
  AND t.experiment_id = i.row->>'experiment_id'
  AND abs(extract(epoch FROM t.created_at - (i.row->>'created_at')::timestamptz)) >= 1
RETURNING t.name
"""
# A version that carries our id, was made at the same time, and is no longer under its old name.
RENAMES = _of_incoming(
    """
, renamed AS (
    UPDATE registry_trackedversion t SET name = i.name
    FROM incoming i JOIN registry_modelversion v ON v.public_id = i.tags->>'hokusai.op',
         registry_trackedversion old
    WHERE old.id = t.id AND t.version_id = v.id AND t.server = %(server)s
      AND t.number = i.number AND t.created_at = i.created_at AND t.name <> i.name
      AND NOT EXISTS (SELECT 1 FROM incoming o WHERE o.name = t.name AND o.number = t.number)
      AND NOT EXISTS (SELECT 1 FROM registry_trackedversion n
                      WHERE n.server = t.server AND n.name = i.name AND n.number = i.number
                        AND n.created_at = i.created_at)
    RETURNING old.name AS was, t.name AS now, t.version_id
), told AS (
    UPDATE registry_modelversion v SET mlflow_name = r.now FROM renamed r WHERE v.id = r.version_id
)
SELECT DISTINCT was, now FROM renamed
"""
)
# Of a linked model the description stays as both sides last agreed on it: the push compares.
MODELS = """
INSERT INTO registry_trackedmodel AS t (server, name, description, tags, aliases, updated_at)
SELECT %(server)s, row->>'name', row->>'description', row->'tags', row->'aliases',
       (row->>'updated_at')::timestamptz
FROM registry_trackingintake WHERE batch = %(batch)s
ON CONFLICT (server, name) DO UPDATE
    SET description = CASE WHEN t.model_id IS NULL THEN excluded.description
                           ELSE t.description END,
        tags = excluded.tags, aliases = excluded.aliases, updated_at = excluded.updated_at
    WHERE (t.description, t.tags, t.aliases, t.updated_at) IS DISTINCT FROM
          (excluded.description, excluded.tags, excluded.aliases, excluded.updated_at)
RETURNING id
"""
CHANGED = _of_incoming(
    """
SELECT t.version_id FROM incoming i JOIN registry_trackedversion t ON @SAME@
WHERE t.version_id IS NOT NULL AND (t.description <> i.description OR t.tags <> i.tags)
"""
)
# What carries an id of ours is a push under way, or its late duplicate: never somebody's own.
VERSIONS = _of_incoming(
    """
INSERT INTO registry_trackedversion AS t
    (public_id, server, name, number, created_at, updated_at, state, source, run_id, description,
     tags, metrics, parameters, snapshot, seen_in, missed)
SELECT i.public_id, %(server)s, i.name, i.number, i.created_at, i.updated_at,
       CASE WHEN EXISTS (SELECT 1 FROM registry_modelversion v
                         WHERE v.public_id = i.tags->>'hokusai.op')
            THEN 'ignored' ELSE 'inbox' END,
       i.source, i.run_id, i.description, i.tags, '{}', '{}', '{}', 0, 0
FROM incoming i ORDER BY i.created_at, i.number
ON CONFLICT (server, name, number, created_at) DO UPDATE
    SET updated_at = excluded.updated_at, source = excluded.source, run_id = excluded.run_id,
        description = excluded.description, tags = excluded.tags
    WHERE (t.updated_at, t.source, t.run_id, t.description, t.tags) IS DISTINCT FROM
          (excluded.updated_at, excluded.source, excluded.run_id, excluded.description,
           excluded.tags)
RETURNING (xmax = 0)
"""
)
# Our versions of which the tracking server holds more than one.
COPIES = _of_incoming(
    """
SELECT v.id FROM incoming i JOIN registry_trackedversion t ON @SAME@
JOIN registry_modelversion v ON v.public_id = i.tags->>'hokusai.op'
JOIN registry_trackedversion own ON own.version_id = v.id
WHERE t.state = 'ignored' AND own.id <> t.id
"""
)
RUNS = """
UPDATE registry_trackedversion t
SET experiment_id = e.id, metrics = i.row->'metrics', parameters = i.row->'parameters'
FROM registry_trackingintake i
JOIN registry_trackedexperiment e
    ON e.server = %(server)s AND e.experiment_id = i.row->>'experiment_id'
WHERE i.batch = %(batch)s AND t.server = %(server)s AND t.run_id = i.row->>'run_id'
  AND t.experiment_id IS NULL AND e.lifecycle <> 'remade'
"""
# A complete listing: what it lacks was missed once more, what it holds is there.
SEEN = _of_incoming(
    """
, back AS (
    SELECT t.version_id FROM incoming i JOIN registry_trackedversion t ON @SAME@
    WHERE t.missing_since IS NOT NULL
), seen AS (
    UPDATE registry_trackedversion t SET seen_in = %(seen_in)s, missed = 0, missing_since = NULL
    FROM incoming i WHERE @SAME@
)
SELECT version_id FROM back
"""
)
MISSED = _of_incoming(
    """
UPDATE registry_trackedversion t
SET missed = least(t.missed + 1, 1000),
    missing_since = CASE WHEN t.missed + 1 >= %(sweeps)s
                         THEN coalesce(t.missing_since, now()) END
WHERE t.server = %(server)s AND t.id <= %(newest)s
  AND NOT EXISTS (SELECT 1 FROM incoming i WHERE @SAME@)
RETURNING t.version_id, t.missed = %(sweeps)s, t.missing_since IS NOT NULL
"""
)
