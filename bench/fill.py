"""Fill our side, as the web's own role: 1,000 versions, a key, and one version that serves.

manage.py shell -c "from bench import fill; fill.main(MODEL_FOLDER)"; prints JSON.
"""

import json
from pathlib import Path

from django.conf import settings

from bench.sizes import TAGS, VERSIONS
from deployments import services
from hokusai.accounts import services as accounts
from hokusai.accounts.models import ApiKey, User
from hokusai.core import doorbell, jobs
from hokusai.core.events import Actor
from hokusai.storage import stores
from registry.choices import ArtifactState
from registry.models import Model, ModelVersion, VersionTag

# Above what any load reaches, so that the limit is counted and never met.
RATE_PER_MINUTE = 2_000_000_000


def main(folder: str) -> None:
    """Fill, and print what the run needs to know."""
    settings.EVENT_SUBSCRIBERS = []
    # No worker runs: the one job is run here.
    doorbell.ring = _silent
    owner = User.objects.create(username="bench")
    actor = accounts.actor_of(owner)
    project = accounts.create_project(slug="bench", name="Bench", actor=actor)
    shown = accounts.create_api_key(
        project=project, owner=owner, name="bench", scopes=["read", "predict"], actor=actor
    )
    ApiKey.objects.update(rate_per_minute=RATE_PER_MINUTE)
    model = Model.objects.create(
        project=project, slug="digits", model_id="bench.digits", name="Digits"
    )
    _versions(model, owner)
    _serve(model, owner, actor, Path(folder))
    print(json.dumps({"secret": shown.secret, "model_id": model.model_id}))


def _versions(model: Model, owner: User) -> None:
    rows = ModelVersion.objects.bulk_create(
        ModelVersion(
            project=model.project,
            model=model,
            number=number,
            source=f"s3://bench/models/{number}",
            run_id=f"{number:032x}",
            registered_by=owner,
        )
        for number in range(1, VERSIONS + 1)
    )
    VersionTag.objects.bulk_create(
        VersionTag(version=row, key=f"key{tag}", value=f"value {row.number}")
        for row in rows
        for tag in range(TAGS)
    )


def _serve(model: Model, owner: User, actor: Actor, folder: Path) -> None:
    version = ModelVersion.objects.create(
        project=model.project,
        model=model,
        number=VERSIONS + 1,
        source="s3://bench/models/served",
        artifact_state=ArtifactState.READY,
        tree_digest=stores["default"].put_tree(folder).digest,
        registered_by=owner,
    )
    revision = services.deploy(version=version, actor=actor)
    jobs.run(revision.job.pk)
    revision.refresh_from_db()
    if revision.status != "live":
        revision.job.refresh_from_db()
        raise SystemExit(f"The rollout ended as {revision.status}: {revision.job.log}")


def _silent(task: str, *arguments: object, queue: str = "default") -> None:
    """Ring nobody."""
