"""How long taking over 10,000 versions takes, beside what MLflow itself needs to list them.

    python -m bench.import_mlflow [--versions 10000] [--rounds 3]

A temporary PostgreSQL holds both: MLflow's own tables are filled by SQL, with a run behind each
version, two metrics and two parameters per run, three tags per version. The list is what an
importer must fetch: experiments, models, versions, and the runs behind versions.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from hokusai.embedded.servers import EmbeddedServers

ROOT = Path(__file__).parents[1]
PER_MODEL = 10
FILL = """
INSERT INTO registered_models (workspace, name, creation_time, last_updated_time, description)
SELECT 'default', 'model-' || n, 1795132800000 + n, 1795132800000 + n, ''
FROM generate_series(0, %(models)s - 1) n;
INSERT INTO runs (run_uuid, name, experiment_id, user_id, status, start_time, end_time,
  lifecycle_stage, artifact_uri)
SELECT lpad(to_hex(i), 32, '0'), 'run ' || i, 0, 'ann', 'FINISHED', 1795132800000 + i,
  1795132801000 + i, 'active', 's3://bench/' || i FROM generate_series(0, %(versions)s - 1) i;
INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
SELECT lpad(to_hex(i), 32, '0'), k, (i %% 1000) / 1000.0, 1795132800000 + i, 0, false
FROM generate_series(0, %(versions)s - 1) i CROSS JOIN unnest(array['auc', 'loss']) k;
INSERT INTO params (run_uuid, key, value)
SELECT lpad(to_hex(i), 32, '0'), k, i::text
FROM generate_series(0, %(versions)s - 1) i CROSS JOIN unnest(array['depth', 'rate']) k;
INSERT INTO model_versions (workspace, name, version, creation_time, last_updated_time,
  description, current_stage, source, storage_location, run_id, status)
SELECT 'default', 'model-' || i / %(each)s, i %% %(each)s + 1, 1795132800000 + i,
  1795132800000 + i, 'A version.', 'None', 's3://bench/' || i, 's3://bench/' || i,
  lpad(to_hex(i), 32, '0'), 'READY' FROM generate_series(0, %(versions)s - 1) i;
INSERT INTO model_version_tags (workspace, name, version, key, value)
SELECT 'default', 'model-' || i / %(each)s, i %% %(each)s + 1, k, k || i
FROM generate_series(0, %(versions)s - 1) i CROSS JOIN unnest(array['team', 'site', 'kind']) k;
INSERT INTO registered_model_aliases (workspace, name, alias, version)
SELECT 'default', 'model-' || n, 'champion', 1 FROM generate_series(0, %(models)s - 1) n;
"""


def main() -> None:
    """Print the medians of the rounds: listing, the whole import, and their ratio."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--versions", type=int, default=10_000)
    asked.add_argument("--rounds", type=int, default=3)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="hokusai-bench-") as folder:
        Path(folder).chmod(0o700)
        with EmbeddedServers(Path(folder) / "servers") as servers:
            _fill(servers.postgres.tracking_url.replace("+psycopg", ""), options.versions)
            environment = {
                **os.environ,
                "DATABASE_URL": servers.owner_url,
                "REDIS_URL": servers.redis_url,
                "MLFLOW_TRACKING_URI": servers.mlflow_url,
                "DJANGO_SETTINGS_MODULE": "hokusai.settings.test",
                "HOKUSAI_DATA_DIR": folder,
            }
            _manage(environment, "migrate", "--no-input", "-v0")
            rounds = [_round(environment) for _ in range(options.rounds)]
    print(json.dumps(_told(rounds, options.versions), indent=2))


def _fill(url: str, versions: int) -> None:
    values = {"versions": versions, "models": versions // PER_MODEL, "each": PER_MODEL}
    with psycopg.connect(url) as connection:
        for statement in filter(str.strip, FILL.split(";")):
            connection.execute(statement, values)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _round(environment: dict[str, str]) -> dict[str, float]:
    answer = _manage(environment, "shell", "--no-imports", "-c", "from bench import import_once")
    report: dict[str, float] = json.loads(answer.strip().splitlines()[-1])
    return report


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _told(rounds: list[dict[str, float]], versions: int) -> dict[str, float]:
    listing = statistics.median(one["listing"] for one in rounds)
    taking_in = statistics.median(one["taking_in"] for one in rounds)
    return {
        "versions": versions,
        "list_s": round(listing, 2),
        "taking_in_s": round(taking_in, 2),
        "import_s": round(listing + taking_in, 2),
        "ratio": round((listing + taking_in) / listing, 2),
    }


if __name__ == "__main__":
    main()
