"""Fill our side, as the web's own role: versions, a key, and one version that serves.

manage.py shell -c "from bench import fill; fill.main(MODEL_FOLDER)"; prints JSON.
"""

import json
from pathlib import Path

from django.conf import settings
from django.db import connection

from bench.sizes import IN_PRODUCTION, PER_MODEL, tag_rows
from deployments import services
from hokusai.accounts import services as accounts
from hokusai.accounts.models import ApiKey, Project, User
from hokusai.core import doorbell, jobs
from hokusai.core.events import Actor
from hokusai.storage import stores
from registry.choices import ArtifactState
from registry.models import Model, ModelVersion

# Above what any load reaches, so that the limit is counted and never met.
RATE_PER_MINUTE = 2_000_000_000

MODELS = """
INSERT INTO registry_model
  (public_id, project_id, slug, model_id, name, description, task, created_at)
SELECT 'mdl_' || %(mark)s || lpad(to_hex(n), 30, '0'), %(project)s, %(line)s || n,
  %(slug)s || '.' || %(line)s || n, 'Model ' || n, '', 'classification', now()
FROM generate_series(0, %(models)s - 1) n
"""
VERSIONS = """
INSERT INTO registry_modelversion
  (public_id, project_id, model_id, number, description, stage, artifact_state, artifact_error,
   sync_state, source, run_id, tree_digest, flavor, signature, metrics, parameters, mlflow_name,
   mlflow_version, mlflow_note, identity_digest, origin, code_revision, licence, security_level,
   card, requirements, registered_by_id, created_at)
SELECT 'mdv_' || %(mark)s || lpad(to_hex(i), 30, '0'), m.project_id, m.id, i %% %(each)s + 1, '',
  CASE WHEN i %% %(each)s + 1 = %(production)s THEN 'production' ELSE 'none' END,
  'pending', '', 'pending', 's3://bench/models/' || i, lpad(to_hex(i), 32, '0'), '', '', '{}',
  '{}', '{}', '', '', '', '', 'registered', '', '', 'internal', '', '[]', %(owner)s, now()
FROM generate_series(0, %(models)s * %(each)s - 1) i
JOIN registry_model m ON m.project_id = %(project)s AND m.slug = %(line)s || (i / %(each)s)
"""
TAGGED = """
INSERT INTO registry_versiontag (version_id, key, value, kind)
SELECT v.id, t.key, t.value, 'text'
FROM (SELECT id, ('x' || right(public_id, 15))::bit(60)::bigint AS i FROM registry_modelversion
      WHERE project_id = %(project)s AND public_id LIKE 'mdv\\_' || %(mark)s || '%%') v
CROSS JOIN LATERAL ({rows}) t(key, value)
"""


def main(folder: str, models: int) -> None:
    """Fill, and print what the run needs to know."""
    settings.EVENT_SUBSCRIBERS = []
    # No worker runs: the one job is run here.
    doorbell.ring = _silent
    owner = User.objects.create(username="bench")
    actor = accounts.actor_of(owner)
    project = accounts.create_project(slug="bench", name="Bench", actor=actor)
    scopes = ["read", "write", "predict"]
    shown = accounts.create_api_key(
        project=project, owner=owner, name="bench", scopes=scopes, actor=actor
    )
    ApiKey.objects.update(rate_per_minute=RATE_PER_MINUTE)
    fill_versions(project, owner, models=models)
    served = Model.objects.create(
        project=project, slug="digits", model_id="bench.digits", name="Digits"
    )
    _serve(served, owner, actor, Path(folder))
    print(json.dumps({"secret": shown.secret, "model_id": served.model_id}))


def fill_versions(
    project: Project,
    owner: User,
    *,
    models: int,
    line: str = "model-",
    mark: str = "00",
    tagged: bool = True,
) -> None:
    """Models `<line>0`, `<line>1`, …, each with fifty versions, each of these with five tags.

    `mark`: two hexadecimal digits that no other call gives.
    """
    values = {
        "project": project.pk,
        "slug": project.slug,
        "owner": owner.pk,
        "models": models,
        "each": PER_MODEL,
        "production": IN_PRODUCTION,
        "line": line,
        "mark": mark,
    }
    with connection.cursor() as cursor:
        cursor.execute(MODELS, values)
        cursor.execute(VERSIONS, values)
        if tagged:
            cursor.execute(TAGGED.format(rows=tag_rows()), values)


def _serve(model: Model, owner: User, actor: Actor, folder: Path) -> None:
    version = ModelVersion.objects.create(
        project=model.project,
        model=model,
        number=1,
        source="s3://bench/models/served",
        artifact_state=ArtifactState.READY,
        tree_digest=stores["default"].put_tree(folder).digest,
        registered_by=owner,
    )
    revision = services.deploy(version=version, actor=actor, slug="bench")
    jobs.run(revision.job.pk)
    revision.refresh_from_db()
    if revision.status != "live":
        revision.job.refresh_from_db()
        raise SystemExit(f"The rollout ended as {revision.status}: {revision.job.log}")


def _silent(task: str, *arguments: object, queue: str = "default") -> None:
    """Ring nobody."""
