"""One import into a fresh project, undone afterwards; imported by `bench.import_mlflow`."""

import json
import secrets

from django.conf import settings
from django.db import connection

from hokusai.accounts import services as accounts
from hokusai.accounts.models import User
from hokusai.core import doorbell, jobs
from hokusai.core.models import Job
from registry import services
from registry.models import TrackingImport

UNDO = """
TRUNCATE registry_trackedversion, registry_trackedmodel, registry_trackedexperiment,
  registry_versiontag, registry_versionmetric, registry_lineageedge, registry_lineagenode,
  registry_modelversion, registry_model, core_job CASCADE
"""


def _silent(*arguments: object, **options: object) -> None:
    """No worker runs: the one job is run here."""


def _main() -> None:
    settings.EVENT_SUBSCRIBERS = []
    settings.TRACKING = {
        "default": {
            "BACKEND": "hokusai.tracking.mlflow.MlflowTracking",
            "OPTIONS": {"uri": settings.MLFLOW_TRACKING_URI, "timeout_s": 60.0},
        }
    }
    doorbell.ring = _silent
    with connection.cursor() as cursor:
        cursor.execute(UNDO)
    owner = User.objects.create(username=f"bench-{secrets.token_hex(4)}", is_superuser=True)
    actor = accounts.actor_of(owner)
    slug = f"bench-{secrets.token_hex(4)}"
    project = accounts.create_project(slug=slug, name="Bench", actor=actor)
    row = services.start_import(server="default", project=project, dry_run=False, actor=actor)
    jobs.run(Job.objects.get(subject=row.public_id).pk)
    row = TrackingImport.objects.get(pk=row.pk)
    print(json.dumps({**row.report["seconds"], "projects": row.report["projects"]}))


_main()
