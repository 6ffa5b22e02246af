"""Fill MLflow's own tables with the rows that our side holds."""

import psycopg

from bench.sizes import IN_PRODUCTION, PER_MODEL, tag_rows

API = "/api/2.0/mlflow"
MODELS = """
INSERT INTO registered_models (workspace, name, creation_time, last_updated_time, description)
SELECT 'default', 'model-' || n, 1795132800000 + n, 1795132800000 + n, ''
FROM generate_series(0, %(models)s - 1) n
"""
VERSIONS = """
INSERT INTO model_versions
  (workspace, name, version, creation_time, last_updated_time, description, current_stage, source,
   storage_location, run_id, status)
SELECT 'default', 'model-' || i / %(each)s, i %% %(each)s + 1, 1795132800000 + i,
  1795132800000 + i, '', 'None', 's3://bench/models/' || i, 's3://bench/models/' || i,
  lpad(to_hex(i), 32, '0'), 'READY'
FROM generate_series(0, %(models)s::int * %(each)s - 1) i
"""
TAGGED = """
INSERT INTO model_version_tags (workspace, name, version, key, value)
SELECT 'default', 'model-' || i / %(each)s, i %% %(each)s + 1, t.key, t.value
FROM generate_series(0, %(models)s::int * %(each)s - 1) i CROSS JOIN LATERAL ({rows}) t(key, value)
"""
ALIASES = """
INSERT INTO registered_model_aliases (workspace, name, alias, version)
SELECT 'default', 'model-' || n, 'production', %(production)s
FROM generate_series(0, %(models)s - 1) n
"""


def fill(url: str, *, models: int) -> None:
    """Models, versions, tags and aliases; the server has created the tables."""
    values = {"models": models, "each": PER_MODEL, "production": IN_PRODUCTION}
    with psycopg.connect(url) as connection:
        for statement in (MODELS, VERSIONS, TAGGED.format(rows=tag_rows()), ALIASES):
            connection.execute(statement, values)
